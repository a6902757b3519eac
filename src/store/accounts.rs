//! Table `accounts`.

use sqlx::PgConnection;
use sqlx::types::Json;
use sqlx::types::time::OffsetDateTime;
use std::collections::BTreeMap;
use uuid::Uuid;

use super::convert::{Reading, as_seconds, disablement, offset, seconds, timestamp};
use super::{Error, Result, Slice, Stored};
use crate::domain::account::{Account, LearnedLimits};
use crate::domain::endpoint::Endpoint;
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::key::Meta;
use crate::domain::labels::Labels;
use crate::domain::profile::{Placement, PlacementKind, Profile};

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct AccountRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) id: String,
    pub(crate) labels: Json<BTreeMap<String, String>>,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) profile: String,
    pub(crate) base_url: String,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allow_http: bool,
    pub(crate) placement_kind: Option<String>,
    pub(crate) placement_name: Option<String>,
    pub(crate) placement_prefix: Option<String>,
    pub(crate) rotation_seconds: Option<i64>,
    pub(crate) learned_limits: String,
    pub(crate) disabled_why: Option<String>,
    pub(crate) disabled_since: Option<OffsetDateTime>,
    pub(crate) disabled_until: Option<OffsetDateTime>,
    pub(crate) disabled_by: Option<String>,
    pub(crate) mac: Vec<u8>,
}

impl TryFrom<AccountRow> for Stored<Account> {
    type Error = Error;

    fn try_from(row: AccountRow) -> Result<Self> {
        let reading = Reading {
            table: "accounts",
            uid: row.uid,
        };
        let meta = Meta {
            uid: row.uid,
            rev: row.rev,
            labels: reading.parsed(Labels::parse("labels", row.labels.0))?,
            create_time: timestamp(row.create_time),
            update_time: timestamp(row.update_time),
            distrust: None,
        };
        let placement = match row.placement_kind {
            Some(kind) => Some(Placement {
                kind: reading.known("placement_kind", PlacementKind::from_stored(&kind))?,
                name: row.placement_name.unwrap_or_default(),
                prefix: row.placement_prefix.unwrap_or_default(),
            }),
            None => None,
        };
        let account = Account {
            meta,
            id: reading.parsed(Id::parse("id", &row.id))?,
            profile: reading.parsed(Profile::parse("profile", &row.profile))?,
            // As it stands: the row's MAC says whether it may be believed, not whether today's rules would take it.
            endpoint: Endpoint {
                base_url: row.base_url,
                allowed_hosts: row.allowed_hosts,
                allow_http: row.allow_http,
            },
            placement,
            rotation_interval: seconds(row.rotation_seconds),
            learned_limits: LearnedLimits::from_stored(&row.learned_limits),
            disablement: disablement(
                row.disabled_why,
                row.disabled_since,
                row.disabled_until,
                row.disabled_by,
            ),
        };
        Ok(Self {
            resource: account,
            mac: row.mac,
        })
    }
}

/// The account of this id.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, id: &Id) -> Result<Option<Stored<Account>>> {
    let row = sqlx::query_as!(
        AccountRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, profile, base_url, allowed_hosts, allow_http,
            placement_kind, placement_name, placement_prefix, rotation_seconds, learned_limits, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from accounts where id = $1"#,
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Accounts in the order of their ids.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    slice: Slice<'_>,
    filter: &Filter,
) -> Result<Vec<Stored<Account>>> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, profile, base_url, allowed_hosts, allow_http,
            placement_kind, placement_name, placement_prefix, rotation_seconds, learned_limits, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from accounts
        where id collate "C" > $1 and labels @> $2
            and ($3::boolean is null
                or $3 = (disabled_since is not null and coalesce(disabled_until > now(), true)))
        order by id collate "C" limit $4"#,
        slice.after.unwrap_or_default(),
        Json(&filter.labels) as _,
        filter.disabled,
        slice.rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Inserts an account.
///
/// # Errors
/// [`Error::Unique`] if the id is taken; else as every query.
pub async fn insert(conn: &mut PgConnection, account: &Account, mac: &[u8]) -> Result<()> {
    let placement = account.placement.as_ref();
    let word = account.disablement.as_ref();
    sqlx::query!(
        "insert into accounts (uid, rev, id, labels, create_time, update_time, profile, base_url, allowed_hosts, allow_http,
            placement_kind, placement_name, placement_prefix, rotation_seconds, disabled_why, disabled_since, disabled_until,
            disabled_by, mac, learned_limits)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        account.meta.uid,
        account.meta.rev,
        account.id.as_str(),
        Json(account.meta.labels.pairs()) as _,
        offset(account.meta.create_time),
        offset(account.meta.update_time),
        account.profile.as_str(),
        account.endpoint.base_url,
        &account.endpoint.allowed_hosts,
        account.endpoint.allow_http,
        placement.map(|place| place.kind.as_str()),
        placement.map(|place| place.name.as_str()),
        placement.map(|place| place.prefix.as_str()),
        as_seconds(account.rotation_interval),
        word.map(|word| word.why.as_str()),
        word.map(|word| offset(word.since)),
        word.and_then(|word| word.until).map(offset),
        word.map(|word| word.by.as_str()),
        mac,
        account.learned_limits.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes all of an account that can change.
///
/// # Errors
/// As every query.
pub async fn update(conn: &mut PgConnection, account: &Account, mac: &[u8]) -> Result<()> {
    let placement = account.placement.as_ref();
    let word = account.disablement.as_ref();
    sqlx::query!(
        "update accounts set rev = $2, labels = $3, update_time = $4, base_url = $5, allowed_hosts = $6, allow_http = $7,
            placement_kind = $8, placement_name = $9, placement_prefix = $10, rotation_seconds = $11, disabled_why = $12,
            disabled_since = $13, disabled_until = $14, disabled_by = $15, mac = $16, learned_limits = $17,
            mac_before = case when accounts.xmin = pg_current_xact_id()::xid then accounts.mac_before else accounts.mac end
        where uid = $1",
        account.meta.uid,
        account.meta.rev,
        Json(account.meta.labels.pairs()) as _,
        offset(account.meta.update_time),
        account.endpoint.base_url,
        &account.endpoint.allowed_hosts,
        account.endpoint.allow_http,
        placement.map(|place| place.kind.as_str()),
        placement.map(|place| place.name.as_str()),
        placement.map(|place| place.prefix.as_str()),
        as_seconds(account.rotation_interval),
        word.map(|word| word.why.as_str()),
        word.map(|word| offset(word.since)),
        word.and_then(|word| word.until).map(offset),
        word.map(|word| word.by.as_str()),
        mac,
        account.learned_limits.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes an account.
///
/// # Errors
/// [`Error::Referenced`] if it has keys; else as every query.
pub async fn delete(conn: &mut PgConnection, uid: Uuid) -> Result<()> {
    sqlx::query!("delete from accounts where uid = $1", uid)
        .execute(conn)
        .await?;
    Ok(())
}
