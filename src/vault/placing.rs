//! Puts opened secrets where their providers expect them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::account::Account;
use crate::domain::key::KeyVersion;
use crate::live::credential::{Credential, Placing};
use crate::live::registry::{KnownVersion, Registry};

/// Puts the fields of every version that is new, or whose key or account has changed, where its provider expects them.
pub(super) fn place_credentials(registry: &mut Registry, changed: &HashSet<Uuid>) {
    let mut placings = HashMap::new();
    let mut versions = std::mem::take(&mut registry.versions);
    for known in versions.values_mut() {
        let account = account_of(registry, &known.version);
        let is_touched = account.is_some_and(|account| {
            changed.contains(&account.meta.uid) || changed.contains(&known.version.key_uid)
        });
        if known.credential.is_none() || account.is_none() || is_touched {
            known.credential = account.and_then(|account| {
                let place = || Arc::new(Placing::of(account));
                let placing = placings.entry(account.meta.uid).or_insert_with(place);
                credential(account, placing, known)
            });
        }
    }
    registry.versions = versions;
}

fn credential(
    account: &Account,
    placing: &Arc<Placing>,
    known: &KnownVersion,
) -> Option<Credential> {
    let fields = Arc::clone(known.fields.as_ref()?);
    if !account.endpoint.is_sealed_by(&known.version.sealed_hosts) {
        tracing::error!(
            account = %account.id,
            "a secret is not sealed for the host of its account's base url, it is not leased"
        );
        return None;
    }
    let placing = Arc::clone(placing);
    Some(Credential { placing, fields })
}

fn account_of<'a>(registry: &'a Registry, version: &KeyVersion) -> Option<&'a Account> {
    let key = registry.keys.get(&version.key_uid)?;
    registry.accounts.get(&key.account_uid)
}
