//! Tables `rotators` and `provider_references`: who makes secrets, and what providers call those.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, as_millis, millis, offset, timestamp};
use super::{Error, Result, Stored};
use crate::domain::rotator::Rotator;

mod references;

pub use references::{forget_references, hand_on, is_in_use, refer, reference, references_after};

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

/// A key of an account for which a rotator has something to do yet, by uid and id: it makes a secret, or a version is yet to be revoked at
/// the provider, at once or when it has drained.
///
/// # Errors
/// As every query.
pub async fn owed(conn: &mut PgConnection, account_uid: Uuid) -> Result<Option<(Uuid, String)>> {
    let row = sqlx::query!(
        "select k.uid, k.id from keys k where k.account_uid = $1
            and (exists (select from key_versions v where v.key_uid = k.uid and v.stage = 'previous')
                or exists (select from rotations r where r.key_uid = k.uid
                    and (r.step = 'revoking' or (r.step in ('cancelled', 'rolled_back') and (r.is_held or r.next_attempt_time is not null))
                        or (r.step in ('creating', 'pending', 'testing') and r.origin = 'rotator'))))
        order by k.id limit 1",
        account_uid
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.uid, row.id)))
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
