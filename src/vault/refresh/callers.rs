//! Callers, their grants and tokens, as they are taken up.

use std::sync::Arc;

use super::verified::{is_ours, verified};
use crate::crypto::GrantRow;
use crate::live::distrusted::note;
use crate::live::registry::Registry;
use crate::store::changes::{Changes, Unread};
use crate::vault::VaultKeys;

/// Callers with the grants that verify, and their tokens.
pub(super) fn take_up(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for stored in changes.callers.drain(..) {
        let uid = stored.resource.meta.uid;
        registry.distrusted.forget(uid);
        let Some(mut caller) = verified(keys, stored) else {
            registry.callers.remove(&uid);
            registry.distrusted.callers.insert(uid, ());
            continue;
        };
        let mut grants = changes.grants.remove(&uid).unwrap_or_default();
        let unread = changes.unread.iter();
        let unread = unread.filter(|row| **row == Unread::Grant(uid)).count();
        let found = unread + grants.len();
        let what = format!("a grant of callers/{}", caller.id);
        grants.retain(|stored| {
            let row = GrantRow {
                caller_uid: &uid,
                grant: &stored.resource,
            };
            let holds = keys.mac.verifies_row(&row, &stored.mac);
            is_ours(holds, "grants", &what, uid)
        });
        registry.distrusted.grants.insert(uid, found - grants.len());
        caller.grants = grants.into_iter().map(|stored| stored.resource).collect();
        registry.callers.insert(uid, Arc::new(caller));
    }
    for stored in changes.tokens.drain(..) {
        let uid = stored.resource.uid;
        let token = verified(keys, stored);
        note(
            &mut registry.distrusted.tokens,
            uid,
            token.is_none().then_some(()),
        );
        match token {
            Some(token) => drop(registry.tokens.insert(uid, Arc::new(token))),
            None => drop(registry.tokens.remove(&uid)),
        }
    }
}
