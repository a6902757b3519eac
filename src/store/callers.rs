//! Table `callers`. Grants have a table, and a file, of their own: a caller that is read here has none yet.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, disablement, offset, timestamp};
use super::{Error, Result, Slice, Stored};
use crate::domain::caller::Caller;
use crate::domain::filter::Filter;
use crate::domain::id::Id;
use crate::domain::key::Meta;
use crate::domain::labels::Labels;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct CallerRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) id: String,
    pub(crate) labels: Json<BTreeMap<String, String>>,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) update_time: OffsetDateTime,
    pub(crate) disabled_why: Option<String>,
    pub(crate) disabled_since: Option<OffsetDateTime>,
    pub(crate) disabled_until: Option<OffsetDateTime>,
    pub(crate) disabled_by: Option<String>,
    pub(crate) mac: Vec<u8>,
}

impl TryFrom<CallerRow> for Stored<Caller> {
    type Error = Error;

    fn try_from(row: CallerRow) -> Result<Self> {
        let reading = Reading {
            table: "callers",
            uid: row.uid,
        };
        let caller = Caller {
            meta: Meta {
                uid: row.uid,
                rev: row.rev,
                labels: reading.parsed(Labels::parse("labels", row.labels.0))?,
                create_time: timestamp(row.create_time),
                update_time: timestamp(row.update_time),
                distrust: None,
            },
            id: reading.parsed(Id::parse("id", &row.id))?,
            grants: Vec::new(),
            disablement: disablement(
                row.disabled_why,
                row.disabled_since,
                row.disabled_until,
                row.disabled_by,
            ),
        };
        Ok(Self {
            resource: caller,
            mac: row.mac,
        })
    }
}

/// The caller of this id, without its grants.
///
/// # Errors
/// As every query.
pub async fn find(conn: &mut PgConnection, id: &Id) -> Result<Option<Stored<Caller>>> {
    let row = sqlx::query_as!(
        CallerRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from callers where id = $1"#,
        id.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Callers in the order of their ids, without their grants.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    slice: Slice<'_>,
    filter: &Filter,
) -> Result<Vec<Stored<Caller>>> {
    let rows = sqlx::query_as!(
        CallerRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from callers
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

/// The callers whose grants name the role admin, without their grants. Whether those may be believed, their MACs say.
///
/// # Errors
/// As every query.
pub async fn admins(conn: &mut PgConnection) -> Result<Vec<Stored<Caller>>> {
    let rows = sqlx::query_as!(
        CallerRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from callers where exists (select from grants where caller_uid = uid and role = 'admin')"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Inserts a caller, not its grants.
///
/// # Errors
/// [`Error::Unique`] if the id is taken; else as every query.
pub async fn insert(conn: &mut PgConnection, caller: &Caller, mac: &[u8]) -> Result<()> {
    let word = caller.disablement.as_ref();
    sqlx::query!(
        "insert into callers (uid, rev, id, labels, create_time, update_time, disabled_why, disabled_since, disabled_until,
            disabled_by, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        caller.meta.uid,
        caller.meta.rev,
        caller.id.as_str(),
        Json(caller.meta.labels.pairs()) as _,
        offset(caller.meta.create_time),
        offset(caller.meta.update_time),
        word.map(|word| word.why.as_str()),
        word.map(|word| offset(word.since)),
        word.and_then(|word| word.until).map(offset),
        word.map(|word| word.by.as_str()),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes all of a caller that can change, but its grants.
///
/// # Errors
/// As every query.
pub async fn update(conn: &mut PgConnection, caller: &Caller, mac: &[u8]) -> Result<()> {
    let word = caller.disablement.as_ref();
    sqlx::query!(
        "update callers set rev = $2, labels = $3, update_time = $4, disabled_why = $5, disabled_since = $6,
            disabled_until = $7, disabled_by = $8, mac = $9,
            mac_before = case when callers.xmin = pg_current_xact_id()::xid then callers.mac_before else callers.mac end,
            grants_before = case when callers.xmin = pg_current_xact_id()::xid then callers.grants_before else
                sha256(coalesce((select string_agg(g.mac, '' order by g.mac) from grants g where g.caller_uid = callers.uid), '')) end
        where uid = $1",
        caller.meta.uid,
        caller.meta.rev,
        Json(caller.meta.labels.pairs()) as _,
        offset(caller.meta.update_time),
        word.map(|word| word.why.as_str()),
        word.map(|word| offset(word.since)),
        word.and_then(|word| word.until).map(offset),
        word.map(|word| word.by.as_str()),
        mac
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a caller with its grants and tokens.
///
/// # Errors
/// As every query.
pub async fn delete(conn: &mut PgConnection, uid: Uuid) -> Result<()> {
    sqlx::query!("delete from callers where uid = $1", uid)
        .execute(conn)
        .await?;
    Ok(())
}
