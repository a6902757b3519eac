//! What accounts and single models of versions cool down from, as it is taken up.

use uuid::Uuid;

use crate::domain::health::Cause;
use crate::live::registry::Registry;
use crate::store::changes::Changes;

/// Later ends are taken up; what has ended is no news.
pub(super) fn take_up(registry: &mut Registry, changes: &mut Changes) {
    for cooldown in changes.cooldowns.drain(..) {
        let live = registry.account_live(cooldown.account_uid);
        live.told(&cooldown.model, cooldown.cause, changes.now);
    }
    for cooldown in changes.version_cooldowns.drain(..) {
        if let Some(live) = registry.known_version_live(cooldown.version_uid) {
            live.told_model(&cooldown.model, cooldown.cause, changes.now);
        }
    }
}

/// A person cleared cooldowns of an account: what is stored of it is all there is.
pub(super) fn clear_account(registry: &mut Registry, uid: Uuid, changes: &Changes) {
    let stored = changes.cooldowns.iter().filter(|c| c.account_uid == uid);
    let stored: Vec<(String, Cause)> = stored.map(|c| (c.model.clone(), c.cause.clone())).collect();
    registry.account_live(uid).cleared(&stored, changes.now);
}

/// The same of the models of a version.
pub(super) fn clear_version(registry: &Registry, uid: Uuid, changes: &Changes) {
    let stored = changes.version_cooldowns.iter();
    let stored = stored.filter(|c| c.version_uid == uid);
    let stored: Vec<(String, Cause)> = stored.map(|c| (c.model.clone(), c.cause.clone())).collect();
    if let Some(live) = registry.known_version_live(uid) {
        live.cleared_models(&stored, changes.now);
    }
}
