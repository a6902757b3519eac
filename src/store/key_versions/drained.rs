//! Previous versions that no lease is out of, and the locks between those who revoke them and those who let a lease of them go on.

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::Result;
use super::super::convert::{offset, version_name};
use crate::domain::rotation::{AGAIN_MAX, GRACE_MAX};
use crate::domain::time::Timestamp;

/// A previous version that is to be revoked, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    /// The version.
    pub uid: Uuid,
    /// Its key.
    pub key_uid: Uuid,
    /// Its account.
    pub account_uid: Uuid,
    /// Its number.
    pub number: i32,
    /// The account's id.
    pub account_id: String,
    /// The key's id.
    pub key_id: String,
}

impl Drained {
    /// The version, by name.
    #[must_use]
    pub fn name(&self) -> String {
        version_name(&self.account_id, &self.key_id, self.number)
    }
}

/// Previous versions whose grace is over by `now` and whose last lease has ended; only this one, where it is named. Every replica that lives
/// has to say that none is out, by its own clock, whatever the database's has become. Of those that are `silent` what they said last
/// counts, or that no lease can be out for so long. While the current version is dead, one that is not surely so may be the last that works:
/// it is kept for as long as the longest grace. Those that could not be revoked come last, and not before their next try is due.
///
/// # Errors
/// As every query.
pub async fn drained(
    conn: &mut PgConnection,
    only: Option<Uuid>,
    silent: &[Uuid],
    now: Timestamp,
    rows_max: i64,
) -> Result<Vec<Drained>> {
    let rows = sqlx::query_as!(
        Drained,
        "select v.uid, v.key_uid, keys.account_uid, v.number, accounts.id as account_id, keys.id as key_id
        from key_versions v
        join keys on keys.uid = v.key_uid
        join accounts on accounts.uid = keys.account_uid
        left join version_retries t on t.version_uid = v.uid and t.deed = 'revoke'
        where v.stage = 'previous' and ($1::uuid is null or v.uid = $1)
            and ($1::uuid is not null or t.next_time is null
                or t.next_time not between clock_timestamp() and clock_timestamp() + make_interval(secs => $5))
            and (v.keep_until <= $3 or (v.keep_until is null and v.drain_until <= $3))
            and not exists (select from key_versions c where c.key_uid = v.key_uid and c.stage = 'current' and c.health = 'dead'
                and not (v.health = 'dead' and v.health_accuser is null and v.health_until > clock_timestamp())
                and coalesce(v.keep_until, v.drain_until) + make_interval(secs => $6) > $3)
            and not exists (select from version_leases l where l.version_uid = v.uid and l.until >= $3)
            and not exists (select from lease_renewals n where n.version_uid = v.uid
                and (n.until >= $3 or exists (select from replicas r where r.boot_id = n.issuer and r.boot_id <> all($2))))
            and not exists (select from replicas r
                left join version_leases l on l.version_uid = v.uid and l.boot_id = r.boot_id and l.rev >= v.rev
                where case when r.boot_id = any($2) then l.rev is null and v.drain_until > $3 else l.rev is null or l.until is not null end)
        order by t.version_uid is not null, v.drain_until limit $4",
        only,
        silent,
        offset(now),
        rows_max,
        AGAIN_MAX.as_secs_f64(),
        GRACE_MAX.as_secs_f64()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Whether two versions are of keys of the same account.
///
/// # Errors
/// As every query.
pub async fn share_account(conn: &mut PgConnection, versions: [Uuid; 2]) -> Result<bool> {
    let accounts = sqlx::query_scalar!(
        r#"select count(distinct k.account_uid) as "accounts!"
        from key_versions v join keys k on k.uid = v.key_uid where v.uid = any($1)"#,
        &versions
    )
    .fetch_one(conn)
    .await?;
    Ok(accounts == 1)
}

/// The previous versions of a key, by uid and number, locked until the transaction ends.
///
/// # Errors
/// As every query.
pub async fn previous(conn: &mut PgConnection, key_uid: Uuid) -> Result<Vec<(Uuid, i32)>> {
    let rows = sqlx::query!(
        "select uid, number from key_versions where key_uid = $1 and stage = 'previous' order by number for update",
        key_uid
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.uid, row.number)).collect())
}

/// Locks a version until the transaction ends, so that no lease of it goes on meanwhile. False where one is just about to, or it is gone.
///
/// # Errors
/// As every query.
pub async fn lock(conn: &mut PgConnection, uid: Uuid) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "select uid from key_versions where uid = $1 for update skip locked",
        uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

/// Keeps a version from being revoked for want of leases until the transaction ends, which lets one of them go on. False where that has
/// happened already.
///
/// # Errors
/// As every query.
pub async fn hold(conn: &mut PgConnection, uid: Uuid) -> Result<bool> {
    let is_revoked = sqlx::query_scalar!(
        r#"select stage = 'revoked' as "is_revoked!" from key_versions where uid = $1 for key share"#,
        uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(is_revoked != Some(true))
}
