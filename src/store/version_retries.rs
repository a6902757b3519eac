//! Table `version_retries`: versions that something could not be done to, each with the time of its next try.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::rotation::{AGAIN_FIRST, AGAIN_MAX};

/// Whatever was due for so long is not tried any more.
const KEPT: Duration = Duration::from_hours(24);

/// What the vault does to a version by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A rotation begins that replaces it.
    Replace,
    /// It is revoked, since its leases have ended.
    Revoke,
}

impl Deed {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Revoke => "revoke",
        }
    }
}

/// Notes that it could not be done: it is tried again later, ever more rarely.
///
/// # Errors
/// As every query.
pub async fn put_off(conn: &mut PgConnection, version_uid: Uuid, deed: Deed) -> Result<()> {
    sqlx::query!(
        "insert into version_retries (version_uid, deed, tries, next_time)
        select uid, $2, 1, clock_timestamp() + make_interval(secs => $3) from key_versions where uid = $1
        on conflict (version_uid, deed) do update set tries = least(version_retries.tries + 1, 1000),
            next_time = clock_timestamp() + make_interval(secs => least($3 * 2 ^ least(version_retries.tries, 16), $4))",
        version_uid,
        deed.as_str(),
        AGAIN_FIRST.as_secs_f64(),
        AGAIN_MAX.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Of these versions those that it could not be done to, and whether the next try is due. One that is due later than any try is put off was
/// put off by a clock that has been set back since.
///
/// # Errors
/// As every query.
pub async fn tried(
    conn: &mut PgConnection,
    versions: &[Uuid],
    deed: Deed,
) -> Result<HashMap<Uuid, bool>> {
    let rows = sqlx::query!(
        r#"select version_uid, next_time not between clock_timestamp() and clock_timestamp() + make_interval(secs => $3) as "is_due!"
        from version_retries where version_uid = any($1) and deed = $2"#,
        versions,
        deed.as_str(),
        AGAIN_MAX.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    let tried = rows.into_iter().map(|row| (row.version_uid, row.is_due));
    Ok(tried.collect())
}

/// Forgets those that nobody has tried since they were due: it was done, or is not to be done any more.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "delete from version_retries where next_time < clock_timestamp() - make_interval(secs => $1)",
        KEPT.as_secs_f64()
    )
    .execute(conn)
    .await?;
    Ok(())
}
