//! Pools that changed, with their members.

use super::unread;
use super::verified::{is_ours, verified};
use crate::crypto::MemberRow;
use crate::live::registry::Registry;
use crate::store::changes::{Changes, Unread};
use crate::vault::VaultKeys;

pub(super) fn take_up(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for stored in changes.pools.drain(..) {
        let (uid, id) = (stored.resource.meta.uid, stored.resource.id.clone());
        registry.distrusted.forget(uid);
        let Some(mut pool) = verified(keys, stored) else {
            registry.pools.remove(&uid);
            registry.distrusted.pools.insert(uid, Some(id));
            continue;
        };
        unread::say_rules(&pool);
        let mut members = changes.members.remove(&uid).unwrap_or_default();
        let unread = changes.unread.iter();
        let unread = unread.filter(|row| **row == Unread::Member(uid)).count();
        let found = unread + members.len();
        let what = format!("a member of pools/{id}");
        members.retain(|stored| {
            let row = MemberRow {
                pool_uid: &uid,
                member: &stored.resource,
            };
            is_ours(
                keys.mac.verifies_row(&row, &stored.mac),
                "pool_members",
                &what,
                uid,
            )
        });
        registry
            .distrusted
            .members
            .insert(uid, found - members.len());
        pool.members = members.into_iter().map(|stored| stored.resource).collect();
        registry.pools.insert(uid, pool);
    }
}
