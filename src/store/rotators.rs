//! Tables `rotators` and `provider_references`: who makes secrets, and what providers call those.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, as_millis, millis, offset, timestamp};
use super::{Error, Result, Stored};
use crate::domain::rotator::{Reference, Rotator};

/// A row, column by column.
#[derive(Debug)]
struct RotatorRow {
    account_uid: Uuid,
    rev: i64,
    url: String,
    allow_http: bool,
    grace_ms: Option<i64>,
    generation: i32,
    create_time: OffsetDateTime,
    update_time: OffsetDateTime,
    mac: Vec<u8>,
}

impl TryFrom<RotatorRow> for Stored<Rotator> {
    type Error = Error;

    fn try_from(row: RotatorRow) -> Result<Self> {
        let reading = Reading {
            table: "rotators",
            uid: row.account_uid,
        };
        Ok(Self {
            resource: Rotator {
                account_uid: row.account_uid,
                rev: row.rev,
                url: row.url,
                allow_http: row.allow_http,
                grace: millis(row.grace_ms),
                generation: reading.number("generation", row.generation)?,
                create_time: timestamp(row.create_time),
                update_time: timestamp(row.update_time),
            },
            mac: row.mac,
        })
    }
}

/// The rotator of an account.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, account_uid: Uuid) -> Result<Option<Stored<Rotator>>> {
    let row = sqlx::query_as!(
        RotatorRow,
        "select account_uid, rev, url, allow_http, grace_ms, generation, create_time, update_time, mac
        from rotators where account_uid = $1",
        account_uid
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Every rotator.
///
/// # Errors
/// As every query, and a row that cannot be read.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Stored<Rotator>>> {
    let rows = sqlx::query_as!(
        RotatorRow,
        "select account_uid, rev, url, allow_http, grace_ms, generation, create_time, update_time, mac
        from rotators order by account_uid"
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The accounts that have one.
///
/// # Errors
/// As every query.
pub async fn accounts(conn: &mut PgConnection) -> Result<Vec<Uuid>> {
    let uids = sqlx::query_scalar!("select account_uid from rotators")
        .fetch_all(conn)
        .await?;
    Ok(uids)
}

/// The ids of the accounts that have one.
///
/// # Errors
/// As every query.
pub async fn account_ids(conn: &mut PgConnection) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        "select accounts.id from rotators join accounts on accounts.uid = rotators.account_uid"
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Sets the rotator of an account.
///
/// # Errors
/// As every query.
pub async fn put(conn: &mut PgConnection, rotator: &Rotator, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into rotators (account_uid, rev, url, allow_http, grace_ms, generation, create_time, update_time, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (account_uid) do update set rev = $2, url = $3, allow_http = $4, grace_ms = $5, generation = $6, update_time = $8,
            mac = $9, mac_before = case when rotators.xmin = pg_current_xact_id()::xid then rotators.mac_before else rotators.mac end",
        rotator.account_uid,
        rotator.rev,
        rotator.url,
        rotator.allow_http,
        as_millis(rotator.grace),
        i32::try_from(rotator.generation).unwrap_or(i32::MAX),
        offset(rotator.create_time),
        offset(rotator.update_time),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the rotator of an account. Answers whether there was one.
///
/// # Errors
/// As every query.
pub async fn delete(conn: &mut PgConnection, account_uid: Uuid) -> Result<bool> {
    let done = sqlx::query!("delete from rotators where account_uid = $1", account_uid)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Counts one more request of an account's rotator, and says whether it may be made: at most so many are in the minute that began with the
/// first of them. One that began in a future that was taken back is over.
///
/// # Errors
/// As every query.
pub async fn count_request(
    conn: &mut PgConnection,
    account_uid: Uuid,
    requests_max: i32,
) -> Result<bool> {
    let counted = sqlx::query!(
        "update rotators r set asked = case when minute.goes_on then r.asked + 1 else 1 end,
            asked_since = case when minute.goes_on then r.asked_since else clock_timestamp() end
        from (select account_uid, coalesce(asked_since between clock_timestamp() - interval '1 min' and clock_timestamp(), false) as goes_on
            from rotators where account_uid = $1 for update) minute
        where r.account_uid = minute.account_uid and (r.asked < $2 or not minute.goes_on)",
        account_uid,
        requests_max
    )
    .execute(conn)
    .await?;
    Ok(counted.rows_affected() > 0)
}

/// Notes what the provider calls the secret of a version.
///
/// # Errors
/// As every query.
pub async fn refer(conn: &mut PgConnection, reference: &Reference, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into provider_references (version_uid, reference, mac) values ($1, $2, $3)",
        reference.version_uid,
        reference.reference,
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the provider calls the secret of one version is the name of another's from now on, under its MAC; the first keeps an empty one, under
/// its own, which says so.
///
/// # Errors
/// As every query.
pub async fn hand_on(
    conn: &mut PgConnection,
    (from, mac_of_none): (Uuid, &[u8]),
    to: &Reference,
    mac: &[u8],
) -> Result<()> {
    sqlx::query!(
        "update provider_references set reference = '', mac = $2 where version_uid = $1",
        from,
        mac_of_none
    )
    .execute(&mut *conn)
    .await?;
    refer(conn, to, mac).await
}

/// Whether a version of the same account that is not revoked, other than this one, is known to the provider by this name.
///
/// # Errors
/// As every query.
pub async fn is_in_use(conn: &mut PgConnection, version: Uuid, reference: &str) -> Result<bool> {
    let is_in_use = sqlx::query_scalar!(
        r#"select exists (select from provider_references p join key_versions v on v.uid = p.version_uid join keys k on k.uid = v.key_uid
            where p.reference = $2 and v.uid <> $1 and v.stage <> 'revoked' and k.account_uid = (
                select o.account_uid from key_versions t join keys o on o.uid = t.key_uid where t.uid = $1)) as "is_in_use!""#,
        version,
        reference
    )
    .fetch_one(conn)
    .await?;
    Ok(is_in_use)
}

/// Forgets what the provider calls the secrets of a key. Answers how many had a name there.
///
/// # Errors
/// As every query.
pub async fn forget_references(conn: &mut PgConnection, key_uid: Uuid) -> Result<u64> {
    let forgotten = sqlx::query!(
        "delete from provider_references where version_uid in (select uid from key_versions where key_uid = $1)",
        key_uid
    )
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}

/// What the provider calls the secret of a version, where a rotator said so.
///
/// # Errors
/// As every query.
pub async fn reference(
    conn: &mut PgConnection,
    version_uid: Uuid,
) -> Result<Option<Stored<Reference>>> {
    let row = sqlx::query!(
        "select reference, mac from provider_references where version_uid = $1",
        version_uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Stored {
        resource: Reference {
            version_uid,
            reference: row.reference,
        },
        mac: row.mac,
    }))
}

/// What providers call secrets, of the versions after this one: at most so many.
///
/// # Errors
/// As every query.
pub async fn references_after(
    conn: &mut PgConnection,
    after: Uuid,
    rows_max: i64,
) -> Result<Vec<Stored<Reference>>> {
    let rows = sqlx::query!(
        "select version_uid, reference, mac from provider_references where version_uid > $1 order by version_uid limit $2",
        after,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| Stored {
        resource: Reference {
            version_uid: row.version_uid,
            reference: row.reference,
        },
        mac: row.mac,
    });
    Ok(rows.collect())
}
