//! Table `version_leases`: until when leases of a version are out, as their issuers say. Those that were renewed are in `lease_renewals`.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::offset;
use crate::domain::time::Timestamp;

/// Previous versions whose grace is over, and of which this replica, which knows everything up to `rev`, has not said yet that none of its
/// leases is out.
///
/// # Errors
/// As every query.
pub async fn unanswered(
    conn: &mut PgConnection,
    boot_id: Uuid,
    rev: i64,
    rows_max: i64,
) -> Result<Vec<Uuid>> {
    let uids = sqlx::query_scalar!(
        "select v.uid from key_versions v
        where v.stage = 'previous' and v.keep_until <= clock_timestamp() and v.rev <= $2 and not exists (
            select from version_leases l
            where l.version_uid = v.uid and l.boot_id = $1 and l.rev >= v.rev and l.until is null)
        order by v.keep_until limit $3",
        boot_id,
        rev,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(uids)
}

/// A replica, which knows everything up to `rev`, gives no more leases of these versions, and those that are out end by then.
///
/// # Errors
/// As every query.
pub async fn answer(
    conn: &mut PgConnection,
    boot_id: Uuid,
    rev: Option<i64>,
    versions: &[(Uuid, Option<Timestamp>)],
) -> Result<()> {
    let uids: Vec<Uuid> = versions.iter().map(|(uid, _)| *uid).collect();
    let until = versions.iter().map(|(_, until)| until.map(offset));
    let until: Vec<Option<OffsetDateTime>> = until.collect();
    sqlx::query!(
        "insert into version_leases (version_uid, boot_id, rev, until)
        select a.uid, $1, $2, a.until from unnest($3::uuid[], $4::timestamptz[]) as a (uid, until)
        where exists (select from key_versions v where v.uid = a.uid)
        on conflict (version_uid, boot_id) do update set rev = coalesce(excluded.rev, version_leases.rev), until = excluded.until
        where (version_leases.rev, version_leases.until) is distinct from (coalesce(excluded.rev, version_leases.rev), excluded.until)",
        boot_id,
        rev,
        &uids,
        &until as &[Option<OffsetDateTime>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what was said of leases that have ended by `now`, where it matters no more.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from version_leases l using key_versions v
        where v.uid = l.version_uid and (v.stage = 'revoked' or (v.stage <> 'previous' and l.until < $1))",
        offset(now)
    )
    .execute(conn)
    .await?;
    Ok(())
}
