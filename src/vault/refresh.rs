//! Reading what changed since the revision this replica knows: verified, opened, and taken up as one snapshot.

use std::collections::HashSet;
use std::sync::Arc;

use uuid::Uuid;

use super::placing::place_credentials;
use super::{Fault, Result, Vault, VaultKeys, trust};
use crate::crypto::MemberRow;
use crate::domain::account::{Account, Cooldown};
use crate::domain::health::Cause;
use crate::domain::key::{KeyVersion, Stage};
use crate::live::clock::boot_now;
use crate::live::credential::Fields;
use crate::live::distrusted::note;
use crate::live::registry::{KnownVersion, Registry};
use crate::store::Stored;
use crate::store::changes::{self, Changes, GoneKind};
use crate::store::connection::{CHANGE_WITHIN, in_time};
use crate::store::secrets::SecretRow;

mod callers;

impl Vault {
    /// Takes up what changed, unless revision `wanted` is known already.
    ///
    /// # Errors
    /// The database cannot be reached; the snapshot stays as it was, and ages.
    pub async fn refresh(&self, wanted: i64) -> Result<()> {
        let mut registry = Arc::clone(&self.registry).lock_owned().await;
        let began = boot_now();
        let is_first = registry.rev == 0 && !self.live.is_fresh(began);
        if registry.rev >= wanted && !is_first {
            return Ok(());
        }
        // Whoever else would refresh waits for this one, so it must not wait for ever.
        let read = in_time(CHANGE_WITHIN, changes::read(&self.pool, registry.rev));
        let changes = read.await?;
        let (keys, live) = (Arc::clone(&self.keys), Arc::clone(&self.live));
        // A large vault takes long: not on a thread that answers calls, and to the end even if whoever asked has gone.
        let taken_up = tokio::task::spawn_blocking(move || {
            take_up(&mut registry, &keys, changes);
            live.learned(Some(registry.snapshot()), began);
        });
        let doing = "what changed could not be taken up";
        Ok(taken_up.await.map_err(|cause| Fault::new(doing, cause))?)
    }
}

fn take_up(registry: &mut Registry, keys: &VaultKeys, mut changes: Changes) {
    registry.rev = changes.rev;
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
    place_credentials(registry, &changed);
    take_up_pools(registry, keys, &mut changes);
    callers::take_up(registry, keys, &mut changes);
}

fn forget(registry: &mut Registry, changes: &Changes) {
    for gone in &changes.gone {
        registry.distrusted.forget(gone.uid);
        match gone.kind {
            GoneKind::Account => drop(registry.accounts.remove(&gone.uid)),
            GoneKind::Limit => drop(registry.limits.remove(&gone.uid)),
            GoneKind::Key => registry.forget_key(gone.uid),
            GoneKind::Version => drop(registry.versions.remove(&gone.uid)),
            GoneKind::Pool => drop(registry.pools.remove(&gone.uid)),
            GoneKind::Caller => drop(registry.callers.remove(&gone.uid)),
            GoneKind::Token => drop(registry.tokens.remove(&gone.uid)),
            GoneKind::Cooldowns => clear_cooldowns(registry, gone.uid, &changes.cooldowns),
        }
    }
}

/// A person cleared cooldowns of an account: what is stored of it is all there is.
fn clear_cooldowns(registry: &mut Registry, account_uid: Uuid, stored: &[Cooldown]) {
    let own = stored.iter().filter(|c| c.account_uid == account_uid);
    let own: Vec<(String, Cause)> = own.map(|c| (c.model.clone(), c.cause.clone())).collect();
    registry.account_live(account_uid).cleared(&own);
}

fn take_up_accounts(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for stored in changes.accounts.drain(..) {
        let (uid, id) = (stored.resource.meta.uid, stored.resource.id.clone());
        let account = verified(keys, stored);
        note(
            &mut registry.distrusted.accounts,
            uid,
            account.is_none().then_some(id),
        );
        match account {
            Some(account) => drop(registry.accounts.insert(uid, account)),
            None => drop(registry.accounts.remove(&uid)),
        }
    }
    for limit in changes.limits.drain(..) {
        registry.limits.insert(limit.uid, Arc::new(limit));
    }
    for stored in changes.keys.drain(..) {
        let (uid, owner) = (stored.resource.meta.uid, stored.resource.account_uid);
        let key = verified(keys, stored);
        note(
            &mut registry.distrusted.keys,
            uid,
            key.is_none().then_some(owner),
        );
        match key {
            Some(key) => drop(registry.keys.insert(uid, Arc::new(key))),
            None => drop(registry.keys.remove(&uid)),
        }
    }
    for cooldown in changes.cooldowns.drain(..) {
        let live = registry.account_live(cooldown.account_uid);
        live.told(&cooldown.model, cooldown.cause);
    }
}

fn take_up_versions(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for version in changes.versions.drain(..) {
        let uid = version.meta.uid;
        let rows = changes.secrets.remove(&uid).unwrap_or_default();
        let fields = opened(keys, &version, &rows).map(Arc::new);
        registry.version_live(&version).told(&version.health);
        registry
            .versions
            .insert(uid, KnownVersion::new(version, fields));
    }
}

/// The fields of a current version, opened. A version with one that does not open is never leased.
fn opened(keys: &VaultKeys, version: &KeyVersion, rows: &[SecretRow]) -> Option<Fields> {
    if version.stage != Stage::Current {
        return None;
    }
    if rows.is_empty() {
        tracing::error!(version.uid = %version.meta.uid, "a secret is gone, its version is not leased");
        return None;
    }
    let mut fields = Vec::with_capacity(rows.len());
    for row in rows {
        match keys.open_secret(version, row) {
            Ok(secret) => fields.push((row.field.clone(), secret)),
            Err(error) => {
                let cause = trust::root(&error);
                tracing::error!(version.uid = %version.meta.uid, cause, "a secret does not open, it is not leased");
                return None;
            }
        }
    }
    Some(fields)
}

fn take_up_pools(registry: &mut Registry, keys: &VaultKeys, changes: &mut Changes) {
    for stored in changes.pools.drain(..) {
        let (uid, id) = (stored.resource.meta.uid, stored.resource.id.clone());
        registry.distrusted.forget(uid);
        let Some(mut pool) = verified(keys, stored) else {
            registry.pools.remove(&uid);
            registry.distrusted.pools.insert(uid, id);
            continue;
        };
        let mut members = changes.members.remove(&uid).unwrap_or_default();
        let found = members.len();
        members.retain(|stored| {
            let row = MemberRow {
                pool_uid: &uid,
                member: &stored.resource,
            };
            is_ours(
                keys.mac.verifies_row(&row, &stored.mac),
                "pool_members",
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

fn verified<R: crate::crypto::ProtectedRow + HasUid>(
    keys: &VaultKeys,
    stored: Stored<R>,
) -> Option<R> {
    let holds = keys.mac.verifies_row(&stored.resource, &stored.mac);
    is_ours(holds, R::TABLE, stored.resource.uid()).then_some(stored.resource)
}

/// Says so, once per change, where a row was made or edited by somebody who does not have the cluster key.
fn is_ours(holds: bool, table: &str, uid: Uuid) -> bool {
    if !holds {
        tracing::error!(table, row.uid = %uid, "a row was changed outside of keylease, it is not used");
    }
    holds
}

/// Names a row in the log.
trait HasUid {
    fn uid(&self) -> Uuid;
}

macro_rules! has_uid {
    ($($type:path: $($field:ident).+;)+) => {$(
        impl HasUid for $type {
            fn uid(&self) -> Uuid {
                self.$($field).+
            }
        }
    )+};
}

has_uid! {
    Account: meta.uid;
    crate::domain::key::Key: meta.uid;
    crate::domain::pool::Pool: meta.uid;
    crate::domain::caller::Caller: meta.uid;
    crate::domain::caller::Token: uid;
}
