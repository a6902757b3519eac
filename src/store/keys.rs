//! Table `keys`.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, as_seconds, disablement, offset, seconds, timestamp};
use super::{Error, Result, Slice, Stored};
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::key::{Key, Meta};
use crate::domain::labels::Labels;
use crate::domain::models::{ModelRules, Pattern, patterns};

/// A column of pairs.
type Map = Json<BTreeMap<String, String>>;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct KeyRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) account_uid: Uuid,
    pub(crate) id: String,
    pub(crate) labels: Map,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) model_allow: Vec<String>,
    pub(crate) model_deny: Vec<String>,
    pub(crate) model_map: Map,
    pub(crate) rotation_seconds: Option<i64>,
    pub(crate) disabled_why: Option<String>,
    pub(crate) disabled_since: Option<OffsetDateTime>,
    pub(crate) disabled_until: Option<OffsetDateTime>,
    pub(crate) disabled_by: Option<String>,
    pub(crate) mac: Vec<u8>,
}

impl TryFrom<KeyRow> for Stored<Key> {
    type Error = Error;

    fn try_from(row: KeyRow) -> Result<Self> {
        let reading = Reading {
            table: "keys",
            uid: row.uid,
        };
        let key = Key {
            meta: Meta {
                uid: row.uid,
                rev: row.rev,
                labels: reading.parsed(Labels::parse("labels", row.labels.0))?,
                create_time: timestamp(row.create_time),
                update_time: timestamp(row.update_time),
                distrust: None,
            },
            account_uid: row.account_uid,
            id: reading.parsed(Id::parse("id", &row.id))?,
            models: ModelRules {
                allow: reading.parsed(patterns("model_allow", &row.model_allow))?,
                deny: reading.parsed(patterns("model_deny", &row.model_deny))?,
                map: row.model_map.0,
            },
            rotation_interval: seconds(row.rotation_seconds),
            disablement: disablement(
                row.disabled_why,
                row.disabled_since,
                row.disabled_until,
                row.disabled_by,
            ),
        };
        Ok(Self {
            resource: key,
            mac: row.mac,
        })
    }
}

/// The key of this id in the account of that.
///
/// # Errors
/// As every query.
pub async fn find(
    conn: &mut PgConnection,
    account_id: &Id,
    key_id: &Id,
) -> Result<Option<Stored<Key>>> {
    let row = sqlx::query_as!(
        KeyRow,
        r#"select keys.uid, keys.rev, account_uid, keys.id, keys.labels as "labels: _", keys.create_time, keys.update_time,
            model_allow, model_deny, model_map as "model_map: _", keys.rotation_seconds, keys.disabled_why, keys.disabled_since,
            keys.disabled_until, keys.disabled_by, keys.mac
        from keys join accounts on accounts.uid = keys.account_uid where accounts.id = $1 and keys.id = $2"#,
        account_id.as_str(),
        key_id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// A key in a list, and the id of its account.
#[derive(Debug)]
pub struct ListedKey {
    /// The account's id.
    pub account_id: String,
    /// The key.
    pub key: Stored<Key>,
}

/// Keys of an account, or of all, in the order of `account/key`, which is also what [`Slice::after`] is.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    account_id: Option<&Id>,
    slice: Slice<'_>,
    filter: &Filter,
) -> Result<Vec<ListedKey>> {
    let after = slice.after.and_then(|after| after.split_once('/'));
    let (account, key) = after.unwrap_or_default();
    let rows = sqlx::query!(
        r#"select accounts.id as account_id, keys.uid, keys.rev, account_uid, keys.id, keys.labels as "labels: Map",
            keys.create_time, keys.update_time, model_allow, model_deny, model_map as "model_map: Map", keys.rotation_seconds,
            keys.disabled_why, keys.disabled_since, keys.disabled_until, keys.disabled_by, keys.mac
        from keys join accounts on accounts.uid = keys.account_uid
        where ($1::text is null or accounts.id = $1)
            and (accounts.id collate "C", keys.id collate "C") > ($2, $3)
            and keys.labels @> $4
            and ($5::boolean is null
                or $5 = (keys.disabled_since is not null and coalesce(keys.disabled_until > now(), true)))
        order by accounts.id collate "C", keys.id collate "C" limit $6"#,
        account_id.map(Id::as_str),
        account,
        key,
        Json(&filter.labels) as _,
        filter.disabled,
        slice.rows_max
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| {
        let key = KeyRow {
            uid: row.uid,
            rev: row.rev,
            account_uid: row.account_uid,
            id: row.id,
            labels: row.labels,
            create_time: row.create_time,
            update_time: row.update_time,
            model_allow: row.model_allow,
            model_deny: row.model_deny,
            model_map: row.model_map,
            rotation_seconds: row.rotation_seconds,
            disabled_why: row.disabled_why,
            disabled_since: row.disabled_since,
            disabled_until: row.disabled_until,
            disabled_by: row.disabled_by,
            mac: row.mac,
        };
        Ok(ListedKey {
            account_id: row.account_id,
            key: key.try_into()?,
        })
    });
    listed.collect()
}

/// Inserts a key.
///
/// # Errors
/// [`Error::Unique`] if the account has one of this id; else as every query.
pub async fn insert(conn: &mut PgConnection, key: &Key, mac: &[u8]) -> Result<()> {
    sqlx::query!(
        "insert into keys (uid, rev, account_uid, id, labels, create_time, update_time, model_allow, model_deny, model_map,
            rotation_seconds, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        key.meta.uid,
        key.meta.rev,
        key.account_uid,
        key.id.as_str(),
        Json(key.meta.labels.pairs()) as _,
        offset(key.meta.create_time),
        offset(key.meta.update_time),
        &texts(&key.models.allow),
        &texts(&key.models.deny),
        Json(&key.models.map) as _,
        as_seconds(key.rotation_interval),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes all of a key that can change.
///
/// # Errors
/// [`Error::Unique`] if it is in another account now, which has one of this id; else as every query.
pub async fn update(conn: &mut PgConnection, key: &Key, mac: &[u8]) -> Result<()> {
    let word = key.disablement.as_ref();
    sqlx::query!(
        "update keys set rev = $2, labels = $3, update_time = $4, model_allow = $5, model_deny = $6, model_map = $7,
            rotation_seconds = $8, disabled_why = $9, disabled_since = $10, disabled_until = $11, disabled_by = $12, mac = $13,
            account_uid = $14,
            mac_before = case when keys.xmin = pg_current_xact_id()::xid then keys.mac_before else keys.mac end
        where uid = $1",
        key.meta.uid,
        key.meta.rev,
        Json(key.meta.labels.pairs()) as _,
        offset(key.meta.update_time),
        &texts(&key.models.allow),
        &texts(&key.models.deny),
        Json(&key.models.map) as _,
        as_seconds(key.rotation_interval),
        word.map(|word| word.why.as_str()),
        word.map(|word| offset(word.since)),
        word.and_then(|word| word.until).map(offset),
        word.map(|word| word.by.as_str()),
        mac,
        key.account_uid
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a key with its versions, secrets and rotations.
///
/// # Errors
/// As every query.
pub async fn delete(conn: &mut PgConnection, uid: Uuid) -> Result<()> {
    sqlx::query!("delete from keys where uid = $1", uid)
        .execute(conn)
        .await?;
    Ok(())
}

fn texts(patterns: &[Pattern]) -> Vec<String> {
    patterns
        .iter()
        .map(|pattern| pattern.as_str().to_owned())
        .collect()
}
