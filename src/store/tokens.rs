//! Table `tokens`: what callers prove themselves with. The text of a token is nowhere; its hash needs a pepper.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{offset, timestamp};
use super::{Result, Slice, Stored};
use crate::domain::caller::Token;
use crate::domain::time::Timestamp;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct TokenRow {
    pub(crate) id: String,
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) caller_uid: Uuid,
    pub(crate) hash: Vec<u8>,
    pub(crate) display_name: String,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) expire_time: Option<OffsetDateTime>,
    pub(crate) revoke_time: Option<OffsetDateTime>,
    pub(crate) mac: Vec<u8>,
}

impl From<TokenRow> for Stored<Token> {
    fn from(row: TokenRow) -> Self {
        Self {
            resource: Token {
                id: row.id,
                uid: row.uid,
                rev: row.rev,
                caller_uid: row.caller_uid,
                hash: row.hash,
                display_name: row.display_name,
                create_time: timestamp(row.create_time),
                expire_time: row.expire_time.map(timestamp),
                revoke_time: row.revoke_time.map(timestamp),
                distrust: None,
            },
            mac: row.mac,
        }
    }
}

/// The token of this id, if it is this caller's.
///
/// # Errors
/// As every query.
pub async fn find(
    conn: &mut PgConnection,
    caller_uid: Uuid,
    id: &str,
) -> Result<Option<Stored<Token>>> {
    let row = sqlx::query_as!(
        TokenRow,
        "select id, uid, rev, caller_uid, hash, display_name, create_time, expire_time, revoke_time, mac
        from tokens where caller_uid = $1 and id = $2",
        caller_uid,
        id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Into::into))
}

/// The tokens of a caller in the order of their ids, good or not.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    caller_uid: Uuid,
    slice: Slice<'_>,
) -> Result<Vec<Stored<Token>>> {
    let rows = sqlx::query_as!(
        TokenRow,
        r#"select id, uid, rev, caller_uid, hash, display_name, create_time, expire_time, revoke_time, mac
        from tokens where caller_uid = $1 and id collate "C" > $2 order by id collate "C" limit $3"#,
        caller_uid,
        slice.after.unwrap_or_default(),
        slice.rows_max
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// How many tokens of a caller are good at `now`.
///
/// # Errors
/// As every query.
pub async fn count_good(conn: &mut PgConnection, caller_uid: Uuid, now: Timestamp) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from tokens
        where caller_uid = $1 and revoke_time is null and (expire_time is null or expire_time > $2)"#,
        caller_uid,
        offset(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

/// The uids of all tokens of a caller.
///
/// # Errors
/// As every query.
pub async fn uids(conn: &mut PgConnection, caller_uid: Uuid) -> Result<Vec<Uuid>> {
    let uids = sqlx::query_scalar!("select uid from tokens where caller_uid = $1", caller_uid)
        .fetch_all(conn)
        .await?;
    Ok(uids)
}

/// Inserts a token.
///
/// # Errors
/// [`super::Error::Unique`] if the id is taken; else as every query.
pub async fn insert(conn: &mut PgConnection, token: &Token, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into tokens (id, uid, rev, caller_uid, hash, display_name, create_time, expire_time, revoke_time, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        token.id,
        token.uid,
        token.rev,
        token.caller_uid,
        token.hash,
        token.display_name,
        offset(token.create_time),
        token.expire_time.map(offset),
        token.revoke_time.map(offset),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes that a token was revoked: all of it that can change.
///
/// # Errors
/// As every query.
pub async fn revoke(conn: &mut PgConnection, token: &Token, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "update tokens set rev = $2, revoke_time = $3, mac = $4,
            mac_before = case when tokens.xmin = pg_current_xact_id()::xid then tokens.mac_before else tokens.mac end
        where uid = $1",
        token.uid,
        token.rev,
        token.revoke_time.map(offset),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}
