//! A pool as it is answered: with the names of its members.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::keys::VaultKeys;
use crate::crypto::MemberRow;
use crate::domain::disablement::in_force;
use crate::domain::distrust::Distrust;
use crate::domain::name::TargetName;
use crate::domain::pool::{Member, Pool};
use crate::domain::time::Timestamp;
use crate::store::{Stored, pool_members};

/// A pool, and the names of what it leases from.
#[derive(Debug, Clone)]
pub struct PoolView {
    /// The pool.
    pub pool: Pool,
    /// Its members, in the order of tier, then name.
    pub members: Vec<(TargetName, Member)>,
}

/// Reads the members of these pools, but for those that somebody put there by hand: `distrust` counts them.
pub(super) async fn with_members(
    conn: &mut PgConnection,
    keys: &VaultKeys,
    mut pools: Vec<Pool>,
) -> Result<Vec<Pool>> {
    let uids: Vec<Uuid> = pools.iter().map(|pool| pool.meta.uid).collect();
    let mut members_of: HashMap<Uuid, Vec<Member>> = HashMap::new();
    let mut doubted: HashMap<Uuid, u32> = HashMap::new();
    for (pool_uid, stored) in pool_members::of_pools(conn, &uids).await? {
        let row = MemberRow {
            pool_uid: &pool_uid,
            member: &stored.resource,
        };
        if keys.mac.verifies_row(&row, &stored.mac) {
            members_of
                .entry(pool_uid)
                .or_default()
                .push(stored.resource);
        } else {
            *doubted.entry(pool_uid).or_default() += 1;
        }
    }
    for pool in &mut pools {
        let rules = pool.failure_rules.as_ref();
        if let Some(fault) = rules.and_then(|rules| rules.fault()) {
            let of_rules = || Distrust::rules_unread(&format!("pools/{}", pool.id), fault);
            pool.meta.distrust.get_or_insert_with(of_rules);
        }
        if let Some(count) = doubted.get(&pool.meta.uid) {
            let what = format!("of the members of pools/{}, {count} (left out)", pool.id);
            let of_member = || Distrust::tampered(&what);
            pool.meta.distrust.get_or_insert_with(of_member);
        }
        pool.members = members_of.remove(&pool.meta.uid).unwrap_or_default();
    }
    Ok(pools)
}

/// Reads the names of the members of these pools.
pub(super) async fn view_all(
    conn: &mut PgConnection,
    pools: Vec<Pool>,
    now: Timestamp,
) -> Result<Vec<PoolView>> {
    let members = pools.iter().flat_map(|pool| &pool.members);
    let uids: Vec<Uuid> = members.map(|member| member.target.uid()).collect();
    let names = pool_members::target_names(conn, &uids).await?;
    let views = pools.into_iter().map(|pool| named(pool, &names, now));
    Ok(views.collect())
}

/// Reads the names of the members of a pool.
pub(super) async fn view(conn: &mut PgConnection, pool: Pool, now: Timestamp) -> Result<PoolView> {
    let uids: Vec<Uuid> = pool.members.iter().map(|m| m.target.uid()).collect();
    let names = pool_members::target_names(conn, &uids).await?;
    Ok(named(pool, &names, now))
}

/// As it is at `now`: a disablement that has ended is not shown.
fn named(mut pool: Pool, names: &HashMap<Uuid, TargetName>, now: Timestamp) -> PoolView {
    pool.disablement = in_force(pool.disablement, now);
    let pair = |member: &Member| Some((names.get(&member.target.uid())?.clone(), member.clone()));
    let mut members: Vec<_> = pool.members.iter().filter_map(pair).collect();
    members.sort_by_cached_key(|(name, member)| (member.tier, name.to_string()));
    PoolView { pool, members }
}

/// The rows of a pool's members, each under its MAC.
pub(super) fn protected(
    keys: &VaultKeys,
    pool_uid: Uuid,
    members: &[Member],
) -> Vec<Stored<Member>> {
    let protect = |member: &Member| {
        let row = MemberRow {
            pool_uid: &pool_uid,
            member,
        };
        Stored {
            mac: keys.mac.of_row(&row).to_vec(),
            resource: member.clone(),
        }
    };
    members.iter().map(protect).collect()
}
