//! Table `grants`: what callers may do. A change of grants bumps their caller's revision.

use sqlx::PgConnection;
use uuid::Uuid;

use super::convert::Reading;
use super::{Error, Result, Stored};
use crate::domain::caller::Grant;

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct GrantRow {
    pub(crate) caller_uid: Uuid,
    pub(crate) role: String,
    pub(crate) pool_pattern: String,
    pub(crate) mac: Vec<u8>,
}

impl TryFrom<GrantRow> for Stored<Grant> {
    type Error = Error;

    fn try_from(row: GrantRow) -> Result<Self> {
        let reading = Reading {
            table: "grants",
            uid: row.caller_uid,
        };
        let grant = Grant::parse("grant", &row.role, &row.pool_pattern);
        Ok(Self {
            resource: reading.parsed(grant)?,
            mac: row.mac,
        })
    }
}

/// The grants of these callers, each beside the uid of its caller, in the order of role, then pattern.
///
/// # Errors
/// As every query.
pub async fn of_callers(
    conn: &mut PgConnection,
    callers: &[Uuid],
) -> Result<Vec<(Uuid, Stored<Grant>)>> {
    let rows = sqlx::query_as!(
        GrantRow,
        r#"select caller_uid, role, pool_pattern, mac from grants
        where caller_uid = any($1) order by caller_uid, role, pool_pattern collate "C""#,
        callers
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.caller_uid, row.try_into()?)))
        .collect()
}

/// Gives a caller these grants in the place of those it has.
///
/// # Errors
/// [`Error::Unique`] if a grant stands there twice; else as every query.
pub async fn replace(
    conn: &mut PgConnection,
    caller_uid: Uuid,
    grants: &[Stored<Grant>],
) -> Result<()> {
    sqlx::query!("delete from grants where caller_uid = $1", caller_uid)
        .execute(&mut *conn)
        .await?;
    let text = |f: fn(&Grant) -> &str| -> Vec<String> {
        grants.iter().map(|g| f(&g.resource).to_owned()).collect()
    };
    let macs: Vec<_> = grants.iter().map(|g| g.mac.clone()).collect();
    sqlx::query!(
        "insert into grants (caller_uid, role, pool_pattern, mac)
        select $1, role, pool_pattern, mac
        from unnest($2::text[], $3::text[], $4::bytea[]) as g (role, pool_pattern, mac)",
        caller_uid,
        &text(|g| g.role()),
        &text(Grant::pool_pattern),
        &macs
    )
    .execute(conn)
    .await?;
    Ok(())
}
