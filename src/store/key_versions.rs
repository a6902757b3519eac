//! Table `key_versions`: the immutable secrets of keys, without the secrets.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, timestamp};
use super::{Error, Result};
use crate::domain::key::{KeyVersion, Meta, Stage};
use crate::domain::labels::Labels;

mod drained;
mod health;
mod newest;
mod writing;

pub use drained::{Drained, drained, hold, lock, previous, share_account};
pub(crate) use health::HealthColumns;
pub use newest::newest_of_all;
pub use writing::{clear_health, give_back, insert, keep, lock_health, revoke, set_health, update};

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct KeyVersionRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) key_uid: Uuid,
    pub(crate) number: i32,
    pub(crate) stage: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) promote_time: Option<OffsetDateTime>,
    pub(crate) revoke_time: Option<OffsetDateTime>,
    pub(crate) drain_until: Option<OffsetDateTime>,
    pub(crate) sealed_hosts: Vec<String>,
    pub(crate) health: String,
    pub(crate) health_until: Option<OffsetDateTime>,
    pub(crate) health_why: Option<String>,
    pub(crate) health_class: Option<String>,
    pub(crate) health_accuser: Option<Uuid>,
    pub(crate) health_tried_time: Option<OffsetDateTime>,
    pub(crate) recover_time: Option<OffsetDateTime>,
}

impl TryFrom<KeyVersionRow> for KeyVersion {
    type Error = Error;

    fn try_from(row: KeyVersionRow) -> Result<Self> {
        let reading = Reading {
            table: "key_versions",
            uid: row.uid,
        };
        let health = HealthColumns {
            state: &row.health,
            until: row.health_until,
            why: row.health_why.as_deref(),
            class: row.health_class.as_deref(),
            accuser: row.health_accuser,
            tried: row.health_tried_time,
        };
        Ok(Self {
            meta: Meta {
                uid: row.uid,
                rev: row.rev,
                labels: Labels::default(),
                create_time: timestamp(row.create_time),
                update_time: timestamp(row.update_time),
                distrust: None,
            },
            key_uid: row.key_uid,
            number: reading.number("number", row.number)?,
            stage: reading.known("stage", Stage::from_stored(&row.stage))?,
            health: reading.known("health", health.parsed())?,
            recover_time: row.recover_time.map(timestamp),
            promote_time: row.promote_time.map(timestamp),
            revoke_time: row.revoke_time.map(timestamp),
            drain_until: row.drain_until.map(timestamp),
            sealed_hosts: row.sealed_hosts,
        })
    }
}

/// The version of this number.
///
/// # Errors
/// As every query.
pub async fn find(
    conn: &mut PgConnection,
    key_uid: Uuid,
    number: u32,
) -> Result<Option<KeyVersion>> {
    let row = sqlx::query_as!(
        KeyVersionRow,
        "select uid, rev, key_uid, number, stage, create_time, update_time, promote_time, revoke_time, drain_until, sealed_hosts,
            health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time
        from key_versions where key_uid = $1 and number = $2",
        key_uid,
        i32::try_from(number).unwrap_or(0)
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// The version that leases get.
///
/// # Errors
/// As every query.
pub async fn current(conn: &mut PgConnection, key_uid: Uuid) -> Result<Option<KeyVersion>> {
    let row = sqlx::query_as!(
        KeyVersionRow,
        "select uid, rev, key_uid, number, stage, create_time, update_time, promote_time, revoke_time, drain_until, sealed_hosts,
            health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time
        from key_versions where key_uid = $1 and stage = 'current'",
        key_uid
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Whether a version is dead and its time as a dead one is over: then a canary lease decides.
///
/// # Errors
/// As every query.
pub async fn is_due(conn: &mut PgConnection, uid: Uuid) -> Result<bool> {
    let is_due = sqlx::query_scalar!(
        r#"select health = 'dead' and health_until <= clock_timestamp() and stage <> 'revoked' as "is_due!"
        from key_versions where uid = $1"#,
        uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(is_due.unwrap_or(false))
}

/// The number of the newest version.
///
/// # Errors
/// As every query.
pub async fn newest(conn: &mut PgConnection, key_uid: Uuid) -> Result<Option<u32>> {
    let number = sqlx::query_scalar!(
        "select max(number) from key_versions where key_uid = $1",
        key_uid
    )
    .fetch_one(conn)
    .await?;
    Ok(number.and_then(|number| number.try_into().ok()))
}

/// The versions of a key below the number `before`, newest first.
///
/// # Errors
/// As every query.
pub async fn of_key(
    conn: &mut PgConnection,
    key_uid: Uuid,
    before: u32,
    rows_max: i64,
) -> Result<Vec<KeyVersion>> {
    let rows = sqlx::query_as!(
        KeyVersionRow,
        "select uid, rev, key_uid, number, stage, create_time, update_time, promote_time, revoke_time, drain_until, sealed_hosts,
            health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time
        from key_versions where key_uid = $1 and number < $2 order by number desc limit $3",
        key_uid,
        i32::try_from(before).unwrap_or(i32::MAX),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The versions of a key, or of all keys of an account, that hold a secret.
///
/// # Errors
/// As every query.
pub async fn sealed_of(conn: &mut PgConnection, owner_uid: Uuid) -> Result<Vec<KeyVersion>> {
    let rows = sqlx::query_as!(
        KeyVersionRow,
        "select uid, rev, key_uid, number, stage, create_time, update_time, promote_time, revoke_time, drain_until, sealed_hosts,
            health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time
        from key_versions
        where key_uid in (select uid from keys where uid = $1 or account_uid = $1) and stage <> 'revoked' order by uid",
        owner_uid
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
