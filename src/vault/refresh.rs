//! Reading what changed since the revision this replica knows: verified, opened, and taken up as one snapshot.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use self::naming::name_of;
use super::braking::count_deaths;
use super::placing::place_credentials;
use super::sealing::is_whole;
use super::{Fault, Result, Vault, VaultKeys, trust};
use crate::crypto::Fingerprint;
use crate::domain::key::{KeyVersion, Stage};
use crate::live::Live;
use crate::live::clock::boot_now;
use crate::live::credential::Fields;
use crate::live::distrusted::note;
use crate::live::registry::{KnownVersion, Registry};
use crate::store::changes::{Changes, GoneKind};
use crate::store::connection::{CHANGE_WITHIN, in_time};
use crate::store::secrets::SecretRow;

mod befallen;
mod callers;
mod cooldowns;
mod naming;
mod pools;
mod setback;
mod unread;
mod verified;

use verified::verified;

impl Vault {
    /// Called after a change has been committed and before it is answered: what was answered, this replica knows.
    pub(super) async fn committed(self: &Arc<Self>, rev: Option<i64>) {
        let Some(rev) = rev else { return };
        // In a task of its own: what panics there does not unmake the change.
        let vault = Arc::clone(self);
        let refreshed = tokio::spawn(async move { vault.refresh(rev).await }).await;
        let doing = "what changed could not be read";
        let refreshed = refreshed.map_err(|cause| Fault::new(doing, cause).into());
        if let Err(error) = refreshed.and_then(|refreshed| refreshed) {
            tracing::warn!(%error, rev, "a change was committed, and will be known here at the next poll");
        }
    }

    /// Takes up what changed, unless revision `wanted` is known already. Where the database may have lost what was read from it, all of
    /// it is read again, and what is no longer there is forgotten.
    ///
    /// # Errors
    /// The database cannot be reached; the snapshot stays as it was, and ages.
    pub async fn refresh(&self, wanted: i64) -> Result<()> {
        let mut registry = Arc::clone(&self.registry).lock_owned().await;
        let began = boot_now();
        let is_first = registry.rev == 0 && !self.live.is_fresh(began);
        // Asked before reading: what turns out later makes this out of date again.
        let epoch = self.live.life.epoch();
        let is_whole = is_first || registry.epoch != epoch;
        if registry.rev >= wanted && !is_whole {
            return Ok(());
        }
        let since = if is_whole { 0 } else { registry.rev };
        // Whoever else would refresh waits for this one, so it must not wait for ever.
        let changes = in_time(CHANGE_WITHIN, self.read_changes(since)).await?;
        let (keys, live) = (Arc::clone(&self.keys), Arc::clone(&self.live));
        // A large vault takes long: not on a thread that answers calls, and to the end even if whoever asked has gone.
        let taken_up = tokio::task::spawn_blocking(move || {
            let (known, rev) = (registry.rev, changes.rev);
            let before = (is_whole && !is_first).then(|| setback::before(&registry));
            if is_whole {
                registry.clear();
            }
            let (dead, now) = (befallen::dead(&changes), changes.now);
            take_up(&mut registry, &keys, &live, changes);
            befallen::forget(&registry, &live, is_whole, now);
            live.refuted(registry.refuted.drain(..));
            let wrong = registry.refuted_budgets.drain(..);
            wrong.for_each(|accuser| live.refuted_budget(accuser, None));
            // Last: what was taken up by half is taken up again.
            (registry.rev, registry.epoch) = (rev, epoch);
            tracing::debug!(rev.known = known, rev, "what changed is taken up");
            let snapshot = registry.snapshot();
            count_deaths(&live, &snapshot, &dead, now);
            live.learned(Some(snapshot), began);
            if is_whole && !is_first {
                tracing::warn!(
                    rev.known = known,
                    rev.found = rev,
                    "the database may have lost changes, all was read again"
                );
            }
            before.and_then(|before| setback::compare(&before, &registry, rev))
        });
        let doing = "what changed could not be taken up";
        let setback = taken_up.await.map_err(|cause| Fault::new(doing, cause))?;
        if let Some(setback) = setback {
            self.note_setback(setback).await;
        }
        Ok(())
    }
}

fn take_up(registry: &mut Registry, keys: &VaultKeys, live: &Live, mut changes: Changes) {
    let accounts = changes
        .accounts
        .iter()
        .map(|stored| stored.resource.meta.uid);
    let changed: HashSet<Uuid> = accounts
        .chain(changes.keys.iter().map(|stored| stored.resource.meta.uid))
        .collect();
    forget(registry, &changes);
    take_up_accounts(registry, keys, &mut changes);
    take_up_versions(registry, keys, &mut changes);
    cooldowns::take_up(registry, &mut changes);
    unread::take_out(registry, &changes.unread);
    place_credentials(registry, &changed);
    pools::take_up(registry, keys, &mut changes);
    callers::take_up(registry, keys, &mut changes);
    take_up_prices(registry, &mut changes);
    befallen::take_up(registry, live, &mut changes);
}

fn forget(registry: &mut Registry, changes: &Changes) {
    // Before any is cleared: who spoke of it is known no more then.
    cooldowns::refute(registry, changes);
    let mut keys = HashSet::new();
    for gone in &changes.gone {
        registry.distrusted.forget(gone.uid);
        match gone.kind {
            GoneKind::Account => drop(registry.accounts.remove(&gone.uid)),
            GoneKind::Limit => drop(registry.limits.remove(&gone.uid)),
            GoneKind::Key => drop(keys.insert(gone.uid)),
            GoneKind::Version => drop(registry.versions.remove(&gone.uid)),
            GoneKind::Pool => drop(registry.pools.remove(&gone.uid)),
            GoneKind::Caller => drop(registry.callers.remove(&gone.uid)),
            GoneKind::Token => drop(registry.tokens.remove(&gone.uid)),
            GoneKind::TriedCooldowns
            | GoneKind::TriedVersionCooldowns
            | GoneKind::RefutedCooldowns
            | GoneKind::RefutedVersion => {}
            GoneKind::Cooldowns => cooldowns::clear_account(registry, gone.uid, changes),
            GoneKind::VersionCooldowns => cooldowns::clear_version(registry, gone.uid, changes),
        }
    }
    registry.forget_keys(&keys);
}

fn take_up_accounts(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for stored in changes.accounts.drain(..) {
        let (uid, id) = (stored.resource.meta.uid, stored.resource.id.clone());
        let account = verified(keys, stored);
        note(
            &mut registry.distrusted.accounts,
            uid,
            account.is_none().then_some(Some(id)),
        );
        match account {
            Some(account) => drop(registry.accounts.insert(uid, account)),
            None => drop(registry.accounts.remove(&uid)),
        }
    }
    for limit in changes.limits.drain(..) {
        registry.distrusted.limits.remove(&limit.uid);
        registry.limits.insert(limit.uid, Arc::new(limit));
    }
    for stored in changes.keys.drain(..) {
        let (uid, owner) = (stored.resource.meta.uid, stored.resource.account_uid);
        let id = stored.resource.id.clone();
        let key = verified(keys, stored);
        note(
            &mut registry.distrusted.keys,
            uid,
            key.is_none().then_some((owner, Some(id))),
        );
        match key {
            Some(key) => drop(registry.keys.insert(uid, Arc::new(key))),
            None => drop(registry.keys.remove(&uid)),
        }
    }
}

fn take_up_versions(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for version in changes.versions.drain(..) {
        let uid = version.meta.uid;
        let rows = changes.secrets.remove(&uid).unwrap_or_default();
        let fields = opened(registry, keys, &version, &rows);
        registry.version_told(&version, changes.now);
        registry
            .versions
            .insert(uid, KnownVersion::new(version, fields));
    }
}

/// The fields of a current version, opened, or the master key that is missing, if that is why not. A version with one that does not open
/// is never leased.
fn opened(
    registry: &Registry,
    keys: &VaultKeys,
    version: &KeyVersion,
    rows: &[SecretRow],
) -> std::result::Result<Fields, Option<Fingerprint>> {
    if version.stage != Stage::Current {
        return Err(None);
    }
    if rows.is_empty() {
        let name = name_of(registry, version);
        tracing::error!(version = name, version.uid = %version.meta.uid, "a secret is gone, its version is not leased");
        return Err(None);
    }
    let mut fields = Vec::with_capacity(rows.len());
    for row in rows {
        match keys.open_secret(version, row) {
            Ok(secret) => fields.push((row.field.clone(), secret)),
            Err(error) => {
                let (cause, name) = (trust::root(&error), name_of(registry, version));
                tracing::error!(version = name, version.uid = %version.meta.uid, cause, "a secret does not open, it is not leased");
                return Err(trust::missing_key(&error));
            }
        }
    }
    let stored = rows.iter().map(|row| row.fingerprint.as_slice());
    let whole = fields
        .iter()
        .zip(stored)
        .map(|((name, value), digest)| (name.as_str(), value, digest));
    if !is_whole(&keys.fingerprint, whole) {
        let name = name_of(registry, version);
        tracing::error!(version = name, version.uid = %version.meta.uid, "parts of a secret are missing, it is not leased");
        return Err(None);
    }
    Ok(fields)
}

/// Snapshots share the prices, so they are copied only when there are new ones.
fn take_up_prices(registry: &mut Registry, changes: &mut Changes) {
    if changes.prices.is_empty() {
        return;
    }
    let prices = Arc::make_mut(&mut registry.prices);
    changes.prices.drain(..).for_each(|price| prices.add(price));
}
