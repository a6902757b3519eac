//! Callers with their grants, and the rule that somebody must be left who may administer.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::error::Refusal;
use super::keys::VaultKeys;
use super::{Result, Work};
use crate::crypto::GrantRow;
use crate::domain::caller::{Caller, Grant};
use crate::domain::caller_draft::is_enabled_admin;
use crate::domain::disablement::in_force;
use crate::domain::distrust::Distrust;
use crate::domain::name::CallerName;
use crate::domain::time::Timestamp;
use crate::store::{Stored, callers, grants};

/// Reads the grants of these callers, but for those that somebody put there by hand: `distrust` counts them.
pub(super) async fn with_grants(
    conn: &mut PgConnection,
    keys: &VaultKeys,
    mut callers: Vec<Caller>,
) -> Result<Vec<Caller>> {
    let uids: Vec<Uuid> = callers.iter().map(|caller| caller.meta.uid).collect();
    let mut grants_of: HashMap<Uuid, Vec<Grant>> = HashMap::new();
    let mut doubted: HashMap<Uuid, u32> = HashMap::new();
    for (caller_uid, stored) in grants::of_callers(conn, &uids).await? {
        let row = GrantRow {
            caller_uid: &caller_uid,
            grant: &stored.resource,
        };
        if keys.mac.verifies_row(&row, &stored.mac) {
            grants_of
                .entry(caller_uid)
                .or_default()
                .push(stored.resource);
        } else {
            *doubted.entry(caller_uid).or_default() += 1;
        }
    }
    for caller in &mut callers {
        if let Some(count) = doubted.get(&caller.meta.uid) {
            let what = format!("of the grants of callers/{}, {count} (left out)", caller.id);
            let of_grant = || Distrust::tampered(&what);
            caller.meta.distrust.get_or_insert_with(of_grant);
        }
        caller.grants = grants_of.remove(&caller.meta.uid).unwrap_or_default();
    }
    Ok(callers)
}

/// A caller as it is answered at `now`: a disablement that has ended is not shown.
pub(super) fn at(mut caller: Caller, now: Timestamp) -> Caller {
    caller.disablement = in_force(caller.disablement, now);
    caller
}

/// Writes the grants of a caller in the place of those it has.
pub(super) async fn replace_grants(work: &mut Work<'_>, caller: &Caller) -> Result<()> {
    let protect = |grant: &Grant| {
        let row = GrantRow {
            caller_uid: &caller.meta.uid,
            grant,
        };
        Stored {
            mac: work.keys.mac.of_row(&row).to_vec(),
            resource: grant.clone(),
        }
    };
    let rows: Vec<_> = caller.grants.iter().map(protect).collect();
    grants::replace(work.conn, caller.meta.uid, &rows).await?;
    Ok(())
}

/// Refuses to take the last enabled admin away: `before` is a caller as it stands, `after` what is to become of it, if anything.
pub(super) async fn keep_an_admin(
    work: &mut Work<'_>,
    before: &Caller,
    after: Option<&Caller>,
) -> Result<()> {
    let stays = after.is_some_and(|caller| is_enabled_admin(caller, work.now));
    if stays || !is_enabled_admin(before, work.now) {
        return Ok(());
    }
    let rows = callers::admins(work.conn).await?;
    let believed = rows
        .into_iter()
        .filter(|row| work.keys.mac.verifies_row(&row.resource, &row.mac))
        .map(|row| row.resource)
        .filter(|caller| caller.meta.uid != before.meta.uid)
        .collect();
    let others = with_grants(work.conn, work.keys, believed).await?;
    if others.iter().any(|other| is_enabled_admin(other, work.now)) {
        return Ok(());
    }
    let resource = CallerName(before.id.clone()).to_string();
    let message = format!(
        "{resource} is the last enabled caller with the role admin, grant the role to another one or enable one that has it first"
    );
    Err(Refusal::State { resource, message }.into())
}
