//! What a change leaves of the rows that it wrote: one look into all tables whose rows are kept account of.

use sqlx::PgConnection;

use super::Result;
use crate::domain::rows_left::{RowLeft, RowState, RowTable};

/// The rows that this transaction has written and deleted with its revision. Only those: whoever gives a row of his own the next revision
/// has it vouched for by nobody, since the server says of each row which transaction wrote it. So the members of a pool, or the grants of a
/// caller, count only where all of them are of this change. Each comes with what the change found of it, unless it made it.
///
/// # Errors
/// As every query.
pub async fn of_change(conn: &mut PgConnection, rev: i64) -> Result<Vec<RowLeft>> {
    let rows = sqlx::query!(
        r#"with this as (select pg_current_xact_id()::xid as xid)
        select 'accounts' as "table!", uid as "uid!", mac as state, mac_before as found from accounts, this where rev = $1 and accounts.xmin = xid
        union all select 'keys', uid, mac, mac_before from keys, this where rev = $1 and keys.xmin = xid
        union all select 'key_versions', uid, convert_to(stage, 'UTF8'), convert_to(stage_before, 'UTF8') from key_versions, this
            where rev = $1 and key_versions.xmin = xid
        union all select 'pools', uid, mac, mac_before from pools, this where rev = $1 and pools.xmin = xid
        union all select 'pool_members', uid,
            sha256(coalesce((select string_agg(m.mac, '' order by m.mac) from pool_members m where m.pool_uid = uid), '')), members_before
            from pools, this where rev = $1 and pools.xmin = xid
                and not exists (select from pool_members m where m.pool_uid = uid and m.xmin <> xid)
        union all select 'callers', uid, mac, mac_before from callers, this where rev = $1 and callers.xmin = xid
        union all select 'grants', uid,
            sha256(coalesce((select string_agg(g.mac, '' order by g.mac) from grants g where g.caller_uid = uid), '')), grants_before
            from callers, this where rev = $1 and callers.xmin = xid
                and not exists (select from grants g where g.caller_uid = uid and g.xmin <> xid)
        union all select 'tokens', uid, mac, mac_before from tokens, this where rev = $1 and tokens.xmin = xid
        union all select 'rotators', account_uid, mac, mac_before from rotators, this where rev = $1 and rotators.xmin = xid
        union all select kind, uid, null, null from deletions, this where rev = $1 and deletions.xmin = xid"#,
        rev
    )
    .fetch_all(conn)
    .await?;
    let left = rows.into_iter().filter_map(|row| {
        Some(RowLeft {
            table: RowTable::from_stored(&row.table)?,
            uid: row.uid,
            state: row.state.as_deref().map(RowState::of),
            found: row.found.as_deref().map(RowState::of),
        })
    });
    Ok(left.collect())
}
