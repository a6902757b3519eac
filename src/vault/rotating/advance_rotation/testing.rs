//! The test of a new version: its provider is asked about it before anybody leases it.

use std::sync::Arc;

use super::{Outcome, Turn};
use crate::crypto::Fingerprint;
use crate::domain::account::Account;
use crate::domain::key::KeyVersion;
use crate::domain::name::AccountName;
use crate::domain::probe::{ProbeResult, Probed};
use crate::domain::rotation::{Event, Tested};
use crate::live::credential::{Credential, Placing};
use crate::store::connection::acquire;
use crate::store::secrets::SecretRow;
use crate::store::{accounts, key_versions, secrets};
use crate::vault::guard::{found, verified};
use crate::vault::probe::is_askable;
use crate::vault::sealing::is_whole;
use crate::vault::{Result, Vault};

/// Why nobody was asked about a version.
#[derive(Debug)]
pub(super) struct Unasked {
    pub(super) why: String,
    /// This replica lacks a master key, which says nothing of the version.
    lacks_key: bool,
}

impl Unasked {
    const fn of_version(why: String) -> Self {
        Self {
            why,
            lacks_key: false,
        }
    }
}

impl Vault {
    /// Asks the provider about the new version of a rotation. `None` where it is gone.
    pub(super) async fn test_new_version(&self, turn: Turn) -> Result<Option<Outcome>> {
        let number = turn.rotation.to_number;
        let Some((account, version)) = self.version_of(&turn, number).await? else {
            return Ok(None);
        };
        let is_tried = !turn.rotation.skips_test && is_askable(&account);
        let asked = match self.whole_credential(&account, &version).await? {
            Ok(credential) if is_tried && credential.value().is_some() => {
                let asked = self.asked(&account, &version, &credential).await;
                asked.map(Some)
            }
            Ok(_) => Ok(None),
            Err(unasked) => Err(unasked),
        };
        let (tested, said) = match asked {
            Ok(Some(probed)) => self.says(&turn, probed).await?,
            Ok(None) => (Tested::Proven, "untried".to_owned()),
            // Whoever takes the next turn may have the key.
            Err(unasked) if unasked.lacks_key => {
                (Tested::Unclear(unasked.why.clone()), unasked.why)
            }
            Err(unasked) => (Tested::Rejected(unasked.why.clone()), unasked.why),
        };
        let summary = match &tested {
            Tested::Proven => format!("version {number} is current ({said})"),
            Tested::Rejected(_) => format!("version {number} is refused and not promoted ({said})"),
            Tested::Unclear(_) | Tested::Limited(..) => {
                format!("version {number} could not be tested and is not promoted ({said})")
            }
        };
        tracing::info!(key = %turn.name, version = number, said, "the new version of a rotation was tested");
        Ok(Some(Outcome {
            turn,
            event: Event::Tested(tested),
            summary,
        }))
    }

    /// What a probe says of a version that is to be promoted.
    async fn says(&self, turn: &Turn, probed: Probed) -> Result<(Tested, String)> {
        let why = match probed.result {
            ProbeResult::Spent if !probed.is_proof => format!(
                "requests are limited, which is said to any key: {}",
                probed.why
            ),
            ProbeResult::Well
            | ProbeResult::Spent
            | ProbeResult::Rejected
            | ProbeResult::Unclear => probed.why,
        };
        let wait = probed.failure.and_then(|failure| failure.retry_after);
        let tested = match probed.result {
            ProbeResult::Rejected => Tested::Rejected(why.clone()),
            _ if probed.is_proof => Tested::Proven,
            // What is current serves nobody: one that may be well is better.
            _ if self.is_current_lost(turn).await? => Tested::Proven,
            ProbeResult::Spent => Tested::Limited(why.clone(), wait.unwrap_or_default()),
            ProbeResult::Well | ProbeResult::Unclear => Tested::Unclear(why.clone()),
        };
        Ok((tested, why))
    }

    /// One caller's word that it is dead is not enough to put an unproven one in its place.
    async fn is_current_lost(&self, turn: &Turn) -> Result<bool> {
        let mut conn = acquire(&self.pool).await?;
        let current = key_versions::current(&mut conn, turn.rotation.key_uid).await?;
        let now = self.live.now().database;
        Ok(current.is_none_or(|version| version.health.is_surely_dead(now)))
    }

    /// A version of the key, and its account. `None` where the version is gone.
    pub(super) async fn version_of(
        &self,
        turn: &Turn,
        number: u32,
    ) -> Result<Option<(Account, KeyVersion)>> {
        let mut conn = acquire(&self.pool).await?;
        let name = AccountName(turn.name.account.clone());
        let account = found(accounts::find(&mut conn, &name.0).await?, &name)?;
        let account = verified(&self.keys, account, &name)?;
        let version = key_versions::find(&mut conn, turn.rotation.key_uid, number).await?;
        Ok(version.map(|version| (account, version)))
    }

    /// Asks about a version by its stored secret, whatever its stage; or says why it cannot.
    pub(super) async fn ask_about(
        &self,
        account: &Account,
        version: &KeyVersion,
    ) -> Result<std::result::Result<Probed, Unasked>> {
        Ok(match self.whole_credential(account, version).await? {
            Ok(credential) => self.asked(account, version, &credential).await,
            Err(unasked) => Err(unasked),
        })
    }

    async fn asked(
        &self,
        account: &Account,
        version: &KeyVersion,
        credential: &Credential,
    ) -> std::result::Result<Probed, Unasked> {
        let hosts = &version.sealed_hosts;
        let asked = self.ask(account, credential, hosts, &[]).await;
        asked.map_err(|unprobed| Unasked::of_version(unprobed.to_string()))
    }

    /// The credential of a version, where it is one that leases would take; else why it is not.
    async fn whole_credential(
        &self,
        account: &Account,
        version: &KeyVersion,
    ) -> Result<std::result::Result<Credential, Unasked>> {
        let rows = {
            let mut conn = acquire(&self.pool).await?;
            secrets::of_version(&mut conn, version.meta.uid).await?
        };
        let mut fields = Vec::with_capacity(rows.len());
        for row in &rows {
            match self.keys.open_secret(version, row) {
                Ok(secret) => fields.push((row.field.clone(), secret)),
                Err(_) => return Ok(Err(self.unopened(row))),
            }
        }
        let whole = fields.iter().zip(&rows);
        let whole = whole.map(|((name, value), row)| (&**name, value, &*row.fingerprint));
        if rows.is_empty() || !is_whole(&self.keys.fingerprint, whole) {
            let why = "parts of its secret are missing".to_owned();
            return Ok(Err(Unasked::of_version(why)));
        }
        Ok(Ok(Credential {
            placing: Arc::new(Placing::of(account)),
            fields: Arc::new(fields),
        }))
    }

    fn unopened(&self, row: &SecretRow) -> Unasked {
        let sealed_with: std::result::Result<Fingerprint, _> = row.master_key_fingerprint.parse();
        let lacking = sealed_with
            .ok()
            .filter(|key| self.keys.ring().find(key).is_err());
        let why = match lacking {
            Some(key) => format!("this replica lacks master key {key}, which it is sealed with"),
            None => "its secret does not open here".to_owned(),
        };
        Unasked {
            why,
            lacks_key: lacking.is_some(),
        }
    }
}
