//! What is read with keys to answer them, over `accounts`, `pools` and `key_versions`.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{seconds, timestamp};
use crate::domain::time::Timestamp;

/// What a key inherits, and its current version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// The key.
    pub key_uid: Uuid,
    /// Its account's id.
    pub account_id: String,
    /// Its account's own rotation interval.
    pub account_rotation: Option<Duration>,
    /// The shortest rotation interval of its pools.
    pub pool_rotation: Option<Duration>,
    /// The number of its current version.
    pub current_number: Option<u32>,
    /// When that became current.
    pub promote_time: Option<Timestamp>,
}

/// What is read with these keys, in no order.
///
/// # Errors
/// As every query.
pub async fn of_keys(conn: &mut PgConnection, keys: &[Uuid]) -> Result<Vec<KeyFacts>> {
    let rows = sqlx::query!(
        r#"select keys.uid as key_uid, accounts.id as account_id, accounts.rotation_seconds as account_rotation_seconds,
            (select min(pools.rotation_seconds) from pool_members join pools on pools.uid = pool_members.pool_uid
                where pool_members.target_uid in (keys.uid, keys.account_uid)) as pool_rotation_seconds,
            key_versions.number as "current_number?", key_versions.promote_time as "promote_time?"
        from keys
        join accounts on accounts.uid = keys.account_uid
        left join key_versions on key_versions.key_uid = keys.uid and key_versions.stage = 'current'
        where keys.uid = any($1)"#,
        keys
    )
    .fetch_all(conn)
    .await?;
    let facts = rows.into_iter().map(|row| KeyFacts {
        key_uid: row.key_uid,
        account_id: row.account_id,
        account_rotation: seconds(row.account_rotation_seconds),
        pool_rotation: seconds(row.pool_rotation_seconds),
        current_number: row.current_number.and_then(|number| number.try_into().ok()),
        promote_time: row.promote_time.map(timestamp),
    });
    Ok(facts.collect())
}
