//! Rotations that came to nothing, or wait for a person.

use sqlx::PgConnection;

use crate::domain::rotation::TRIES_TOLD;
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::convert::offset;

/// A rotation that people should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The account's id.
    pub account_id: String,
    /// The key's id.
    pub key_id: String,
    /// The rotation's id.
    pub id: String,
    /// The step it is at.
    pub step: String,
    /// It waits for a person.
    pub is_held: bool,
    /// Its step was tried in vain for an hour, and is tried on.
    pub is_in_vain: bool,
    /// What its last try came to.
    pub why: String,
}

/// Rotations that wait for a person, those whose step was tried in vain for an hour, and those that the vault has undone since then, while no
/// later one has got further.
///
/// # Errors
/// As every query.
pub async fn failed(
    conn: &mut PgConnection,
    since: Timestamp,
    rows_max: i64,
) -> Result<Vec<Failed>> {
    let rows = sqlx::query_as!(
        Failed,
        r#"select accounts.id as account_id, keys.id as key_id, r.id, r.step, r.is_held, r.why,
            (r.next_attempt_time is not null and r.attempts >= $3) as "is_in_vain!"
        from rotations r join keys on keys.uid = r.key_uid join accounts on accounts.uid = keys.account_uid
        where r.is_held or (r.next_attempt_time is not null and r.attempts >= $3)
            or (r.is_automatic and r.step = 'rolled_back' and r.update_time > $1 and not exists (
            select from rotations later where later.key_uid = r.key_uid and later.to_number > r.to_number
                and later.step in ('draining', 'revoking', 'done')))
        order by r.update_time limit $2"#,
        offset(since),
        rows_max,
        i32::try_from(TRIES_TOLD).unwrap_or(i32::MAX)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
