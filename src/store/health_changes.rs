//! Table `health_changes`: what became of the health of each version, and by whose word.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use super::key_versions::HealthColumns;
use crate::domain::health::Health;
use crate::domain::time::Timestamp;

/// The most changes of one version that are kept, the newest.
const CHANGES_MAX: i64 = 100;

/// A change of a version's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthChange {
    /// In the order in which they were made.
    pub id: i64,
    /// The version's number.
    pub number: i32,
    /// When it was committed.
    pub time: Timestamp,
    /// What it was before.
    pub from: Health,
    /// What it is from then on.
    pub to: Health,
    /// Why, in a few words; empty where nobody said.
    pub why: String,
    /// Who said so.
    pub who: String,
}

/// Notes a change by the word of `who`, and why where that is not what is held against it, and forgets what is too old.
///
/// # Errors
/// As every query.
pub async fn insert(
    conn: &mut PgConnection,
    version_uid: Uuid,
    (from, to): (&Health, &Health),
    (who, why): (&str, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    let cause = to.cause();
    let held = cause.map(|cause| cause.why.as_str());
    sqlx::query!(
        "insert into health_changes (version_uid, change_time, from_health, to_health, until, why, class, accuser, who)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        version_uid,
        offset(now),
        from.as_str(),
        to.as_str(),
        cause.map(|cause| offset(cause.until)),
        why.or(held),
        cause.map(|cause| cause.class.as_str()),
        cause.and_then(|cause| cause.accuser),
        who
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from health_changes where version_uid = $1 and id <=
            (select id from health_changes where version_uid = $1 order by id desc offset $2 limit 1)",
        version_uid,
        CHANGES_MAX
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a probe has found a version well since it died, and it was rejected all the same since then, by somebody else than a probe.
///
/// # Errors
/// As every query.
pub async fn was_revived_in_vain(conn: &mut PgConnection, version_uid: Uuid) -> Result<bool> {
    let in_vain = sqlx::query_scalar!(
        r#"with revived as (
            select max(id) as id from health_changes
            where version_uid = $1 and to_health = 'dead' and who = 'probe' and until = change_time
        )
        select coalesce(bool_and(c.to_health = 'dead' and c.who <> 'probe'), false) as "in_vain!"
        from health_changes c, revived where c.version_uid = $1 and c.id > revived.id"#,
        version_uid
    )
    .fetch_one(conn)
    .await?;
    Ok(in_vain)
}

/// Forgets what is too old of these versions.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, versions: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "delete from health_changes c using unnest($1::uuid[]) as of_these (uid)
        where c.version_uid = of_these.uid and c.id <=
            (select id from health_changes where version_uid = of_these.uid order by id desc offset $2 limit 1)",
        versions,
        CHANGES_MAX
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The changes of a key's versions before the one of this id, newest first.
///
/// # Errors
/// As every query.
pub async fn of_key(
    conn: &mut PgConnection,
    key_uid: Uuid,
    before: i64,
    rows_max: i64,
) -> Result<Vec<HealthChange>> {
    let rows = sqlx::query!(
        "select c.id, v.number, c.change_time, c.from_health, c.to_health, c.until, c.why, c.class, c.accuser, c.who
        from health_changes c join key_versions v on v.uid = c.version_uid
        where v.key_uid = $1 and c.id < $2 order by c.id desc limit $3",
        key_uid,
        before,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let changes = rows.into_iter().map(|row| {
        let columns = |state| HealthColumns {
            state,
            until: row.until,
            why: row.why.as_deref(),
            class: row.class.as_deref(),
            accuser: row.accuser,
            tried: None,
        };
        HealthChange {
            id: row.id,
            number: row.number,
            time: timestamp(row.change_time),
            from: columns(&row.from_health).parsed().unwrap_or_default(),
            to: columns(&row.to_health).parsed().unwrap_or_default(),
            why: row.why.clone().unwrap_or_default(),
            who: row.who.clone(),
        }
    });
    Ok(changes.collect())
}
