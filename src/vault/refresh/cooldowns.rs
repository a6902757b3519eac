//! What accounts and single models of versions cool down from, as it is taken up.

use uuid::Uuid;

use crate::domain::health::{Cause, Health};
use crate::domain::key::KeyVersion;
use crate::live::registry::Registry;
use crate::store::changes::{Changes, GoneKind};

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

/// A person cleared cooldowns of an account: what is stored of it is all there is. Or leases found that some are none: what is stored is
/// all there is of what was.
pub(super) fn clear_account(registry: &mut Registry, uid: Uuid, changes: &Changes) {
    let (stored, live) = (stored_of(uid, changes), registry.account_live(uid));
    if is_only_tried(
        [GoneKind::Cooldowns, GoneKind::TriedCooldowns],
        uid,
        changes,
    ) {
        live.tried_elsewhere(&stored, changes.now);
    } else {
        live.cleared(&stored, changes.now);
    }
}

/// Whether each time it was a lease that found something, and no person who cleared all.
fn is_only_tried(kinds: [GoneKind; 2], uid: Uuid, changes: &Changes) -> bool {
    let [all, tried] = kinds.map(|kind| {
        let gone = changes.gone.iter();
        gone.filter(|gone| gone.kind == kind && gone.uid == uid)
            .count()
    });
    all <= tried
}

/// Leases at other replicas found that what single callers said is not so: what is not stored any more.
pub(super) fn refute(registry: &mut Registry, changes: &Changes) {
    let gone = changes.gone.iter();
    let refuted = gone.filter(|gone| gone.kind == GoneKind::RefutedCooldowns);
    for gone in refuted {
        let stored = stored_of(gone.uid, changes);
        let live = registry.account_live(gone.uid);
        let wrong = live.alleged_beside(&stored, changes.now);
        registry.refuted_budgets.extend(wrong);
    }
    // Where all is read again nobody knows how long ago a version was.
    if registry.rev > 0 {
        refute_versions(registry, changes);
    }
}

/// The same of budgets of single keys: those of versions that are well.
fn refute_versions(registry: &mut Registry, changes: &Changes) {
    let is_refuted = |version: &&KeyVersion| {
        let mut gone = changes.gone.iter();
        let uid = version.meta.uid;
        let is_gone = gone.any(|gone| gone.kind == GoneKind::RefutedVersion && gone.uid == uid);
        is_gone && version.health == Health::Active
    };
    for version in changes.versions.iter().filter(is_refuted) {
        let live = registry.known_version_live(version.meta.uid);
        let refuted = live.and_then(|live| live.refuted_elsewhere(version.meta.update_time));
        registry.refuted.extend(refuted);
    }
}

fn stored_of(uid: Uuid, changes: &Changes) -> Vec<(String, Cause)> {
    let stored = changes.cooldowns.iter().filter(|c| c.account_uid == uid);
    stored.map(|c| (c.model.clone(), c.cause.clone())).collect()
}

/// The same of the models of a version.
pub(super) fn clear_version(registry: &Registry, uid: Uuid, changes: &Changes) {
    let stored = changes.version_cooldowns.iter();
    let stored = stored.filter(|c| c.version_uid == uid);
    let stored: Vec<(String, Cause)> = stored.map(|c| (c.model.clone(), c.cause.clone())).collect();
    let Some(live) = registry.known_version_live(uid) else {
        return;
    };
    let kinds = [GoneKind::VersionCooldowns, GoneKind::TriedVersionCooldowns];
    if is_only_tried(kinds, uid, changes) {
        live.models_tried_elsewhere(&stored, changes.now);
    } else {
        live.cleared_models(&stored, changes.now);
    }
}
