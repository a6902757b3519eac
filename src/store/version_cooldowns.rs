//! Table `version_cooldowns`: what single models of key versions cool down from.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, timestamp};
use crate::domain::cooling::VERSION_MODELS_MAX;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::key::ModelCooldown;
use crate::domain::time::Timestamp;

/// Models that may cool down beside one that is to be written.
const OTHERS_MAX: i64 = VERSION_MODELS_MAX as i64 - 1;

/// A row, column by column.
#[derive(Debug)]
struct VersionCooldownRow {
    version_uid: Uuid,
    model: String,
    until: OffsetDateTime,
    why: String,
    class: String,
    accuser: Option<Uuid>,
    tried_time: Option<OffsetDateTime>,
}

impl From<VersionCooldownRow> for ModelCooldown {
    fn from(row: VersionCooldownRow) -> Self {
        Self {
            version_uid: row.version_uid,
            model: row.model,
            cause: Cause {
                until: timestamp(row.until),
                why: row.why,
                class: FailureClass::from_stored(&row.class),
                accuser: row.accuser,
                tried: row.tried_time.map(timestamp),
                strikes: 0,
            },
        }
    }
}

/// Cooldowns that came after a revision, and all of versions some of whose were cleared since then; none that has ended. In the order
/// they came, so that memory drops for want of places what the table dropped.
///
/// # Errors
/// As every query.
pub async fn since(conn: &mut PgConnection, rev: i64) -> Result<Vec<ModelCooldown>> {
    let rows = sqlx::query_as!(
        VersionCooldownRow,
        "select version_uid, model, until, why, class, accuser, tried_time from version_cooldowns
        where until > clock_timestamp() and (rev > $1 or version_uid in (
            select uid from deletions where rev > $1 and kind = 'version_cooldowns'))
        order by rev",
        rev
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What is stored of a model of a version, if it holds; it is locked.
///
/// # Errors
/// As every query.
pub async fn lock(
    conn: &mut PgConnection,
    version_uid: Uuid,
    model: &str,
    now: Timestamp,
) -> Result<Option<Cause>> {
    let row = sqlx::query_as!(
        VersionCooldownRow,
        "select version_uid, model, until, why, class, accuser, tried_time from version_cooldowns
        where version_uid = $1 and model = $2 and until > $3 for update",
        version_uid,
        model,
        offset(now)
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| ModelCooldown::from(row).cause))
}

/// A model of a version cools down like this: of two ends the later counts. What has ended makes room, and, where as many models of it cool down
/// as are kept, what ends first. Nothing is written of a version that is gone.
///
/// # Errors
/// As every query.
pub async fn extend(
    conn: &mut PgConnection,
    version_uid: Uuid,
    model: &str,
    rev: i64,
    cause: &Cause,
) -> Result<()> {
    sqlx::query!(
        "with ended as (
            delete from version_cooldowns where version_uid = $1 and model <> $2 and until <= clock_timestamp()),
        crowded as (
            delete from version_cooldowns where version_uid = $1 and model in (
                select model from version_cooldowns
                where version_uid = $1 and model <> $2 and until > clock_timestamp()
                order by until desc, model desc offset $7))
        insert into version_cooldowns (version_uid, model, rev, until, why, class, accuser, tried_time)
        select uid, $2, $3, $4, $5, $6, $8, $9 from key_versions where uid = $1
        on conflict (version_uid, model) do update set rev = excluded.rev, until = excluded.until, why = excluded.why,
            class = excluded.class, accuser = excluded.accuser, tried_time = excluded.tried_time
        where version_cooldowns.until <= excluded.until",
        version_uid,
        model,
        rev,
        offset(cause.until),
        cause.why,
        cause.class.as_str(),
        OTHERS_MAX,
        cause.accuser,
        cause.tried.map(offset)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A lease has found that what one caller alone said is not so: it is over, unless it has become more than a word. Answers whether it is.
///
/// # Errors
/// As every query.
pub async fn refute(conn: &mut PgConnection, version_uid: Uuid, model: &str) -> Result<bool> {
    let done = sqlx::query!(
        "delete from version_cooldowns where version_uid = $1 and model = $2 and accuser is not null",
        version_uid,
        model
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends what models of a key's versions cool down from, of one version where its number is given. Replicas then read anew what is left:
/// nothing.
///
/// # Errors
/// As every query.
pub async fn clear(
    conn: &mut PgConnection,
    key_uid: Uuid,
    number: Option<u32>,
    rev: i64,
) -> Result<()> {
    sqlx::query!(
        "with versions as (
            select uid from key_versions where key_uid = $1 and ($2::integer is null or number = $2)),
        gone as (
            delete from version_cooldowns where version_uid in (select uid from versions))
        insert into deletions (rev, kind, uid) select $3, 'version_cooldowns', uid from versions on conflict do nothing",
        key_uid,
        number.map(|number| i32::try_from(number).unwrap_or(0)),
        rev
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what has ended, everywhere.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("delete from version_cooldowns where until <= clock_timestamp()")
        .execute(conn)
        .await?;
    Ok(())
}
