//! One probe: the provider is asked about a key, and what it says moves the key's health.

use std::sync::Arc;
use std::time::Instant;

use metrics::counter;
use uuid::Uuid;

use super::Vault;
use super::telling::key_of;
use crate::domain::account::Account;
use crate::domain::classify::{self, PoolRules, Response};
use crate::domain::disablement::is_disabled;
use crate::domain::health::Health;
use crate::domain::key::Stage;
use crate::domain::pool::HealthPolicy;
use crate::domain::probe::Probed;
use crate::domain::time::Timestamp;
use crate::live::credential::Credential;
use crate::live::snapshot::{AccountEntry, PoolEntry, VersionEntry};
use crate::metric_names;
use crate::store::connection::{ANSWER_WITHIN, begin, in_time};
use crate::store::{self, cluster};

mod heeding;
mod request;
mod reviving;

pub(super) use request::is_askable;
use request::request;
use reviving::revive;

/// Why a version is not probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unprobed {
    /// Nothing of it is in force.
    #[error("it has no current version that this replica knows")]
    Gone,
    /// A person's word stands.
    #[error("the key or its account is disabled, and a probe would undo nothing: enable it first")]
    Disabled,
    /// A budget is spent: asking would spend more.
    #[error("the key or its account cools down, it is asked about when that ends")]
    Cooling(Timestamp),
    /// Its secret cannot be sent.
    #[error("its secret does not open here, or is not sealed for the host of the base url")]
    Unopened,
    /// Nobody has said what to ask.
    #[error(
        "there is nothing harmless to ask its provider for: keys of the profile generic, in the query, or of several fields are not probed"
    )]
    Unasked,
}

/// A version that may be probed.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) account: Arc<AccountEntry>,
    pub(super) version: Arc<VersionEntry>,
}

impl Vault {
    /// A version, if it may be probed now.
    pub(super) fn subject(&self, version: Uuid, now: Timestamp) -> Result<Subject, Unprobed> {
        let snapshot = self.live.snapshot();
        let version = snapshot.versions.get(&version).ok_or(Unprobed::Gone)?;
        let account = snapshot.accounts.get(&version.key.account_uid);
        let account = account.ok_or(Unprobed::Gone)?;
        if version.version.stage != Stage::Current {
            return Err(Unprobed::Gone);
        }
        let words = [&version.key.disablement, &account.account.disablement];
        if words.iter().any(|word| is_disabled(word.as_ref(), now)) {
            return Err(Unprobed::Disabled);
        }
        let own = match version.live.health(now) {
            Health::Cooling(cause) => Some(cause.until),
            Health::Active | Health::Dead(_) => None,
        };
        let whole = account.live.cooling(None, now).map(|cause| cause.until);
        if let Some(until) = own.max(whole) {
            return Err(Unprobed::Cooling(until));
        }
        if version.credential.is_none() {
            return Err(Unprobed::Unopened);
        }
        Ok(Subject {
            account: Arc::clone(account),
            version: Arc::clone(version),
        })
    }

    /// Asks about the current version of a key, which this replica has ready to send. Nothing comes of it yet.
    ///
    /// # Errors
    /// Why it may not be asked about now.
    pub(super) async fn probe(&self, subject: &Subject) -> Result<Probed, Unprobed> {
        let credential = subject.version.credential.as_ref();
        let credential = credential.ok_or(Unprobed::Unopened)?;
        let sealed = &subject.version.version.sealed_hosts;
        let rules = self.rules_of_pools(&subject.version);
        self.ask(&subject.account.account, credential, sealed, &rules)
            .await
    }

    /// Those of the pools that lease a version.
    fn rules_of_pools(&self, version: &VersionEntry) -> Vec<Arc<PoolRules>> {
        let snapshot = self.live.snapshot();
        let pools = snapshot.pools.values();
        let leasing = pools.filter(|pool| pool.serves(version));
        leasing
            .filter_map(|pool| pool.pool.failure_rules.clone())
            .collect()
    }

    /// Asks a provider about any credential of this account, such as one that is not current yet. What the rules of these pools take for
    /// something else than the provider's own do is unclear.
    ///
    /// # Errors
    /// The secret is not sealed for the account's hosts, or there is nothing to ask for.
    pub(super) async fn ask(
        &self,
        account: &Account,
        credential: &Credential,
        sealed_hosts: &[String],
        of_pools: &[Arc<PoolRules>],
    ) -> Result<Probed, Unprobed> {
        if !account.endpoint.is_sealed_by(sealed_hosts) {
            return Err(Unprobed::Unopened);
        }
        let request = request(account, credential)?;
        let began = Instant::now();
        let answer = self.outbound.send(request).await;
        let took = began.elapsed();
        let probed = match answer {
            Ok(answer) => {
                let response = Response {
                    status: answer.status,
                    headers: &answer.headers,
                    body: &answer.body,
                };
                let Ok(book) = classify::built_in() else {
                    return Err(Unprobed::Unasked);
                };
                let rules = book.of_account(account.profile, &account.endpoint.base_url);
                let now = self.live.now().database;
                let judged = |rules| Probed::judged(&response, rules, now, took);
                let others = of_pools.iter().map(|of_pool| rules.after(Some(of_pool)));
                judged(rules).agreed(others.map(judged))
            }
            Err(error) => Probed::unanswered(&error.to_string(), took),
        };
        counter!(metric_names::PROBES, "result" => probed.result.as_str()).increment(1);
        Ok(probed)
    }

    /// The rules of a pool that leases a version: of one that has it probed, if any has.
    fn policy_of(&self, version: Uuid, now: Timestamp) -> HealthPolicy {
        let snapshot = self.live.snapshot();
        let mut pools: Vec<_> = snapshot.pools.values().collect();
        pools.sort_by_key(|pool| (!pool.pool.health_policy.probe_enabled, &pool.pool.id));
        let version = snapshot.versions.get(&version);
        let leases = |pool: &&Arc<PoolEntry>| version.is_some_and(|version| pool.serves(version));
        let mut leasing = pools.into_iter().filter(leases).peekable();
        let policy = leasing.peek().map(|pool| pool.pool.health_policy);
        // What every key meets at once, a probe meets too: it kills no longer than a caller's report would.
        let brakes = &self.live.brakes;
        let pauses = leasing.filter_map(|pool| brakes.pause(pool.pool.meta.uid, now));
        policy.unwrap_or_default().braked(pauses.min())
    }

    /// A dead version is well: exactly one lease finds out whether callers see that too. In a task of its own: a commit is not cancelled.
    async fn revive(&self, subject: &Subject) -> store::Result<()> {
        let pool = self.pool.clone();
        let uid = subject.version.version.meta.uid;
        let reviving = async move {
            let mut transaction = begin(&pool, super::change::BEGIN).await?;
            let (rev, now) = cluster::next_rev(&mut transaction).await?;
            let is_revived = revive(&mut transaction, uid, rev, now).await?;
            if is_revived {
                transaction.commit().await?;
            }
            Ok::<_, store::Error>(is_revived)
        };
        let task = tokio::spawn(in_time(ANSWER_WITHIN, reviving));
        let is_revived = task.await.map_err(|_| store::Error::unanswered())??;
        if is_revived {
            let (key, version) = key_of(&subject.account, &subject.version);
            tracing::info!(
                key,
                version,
                "a probe finds a dead key well, its next lease is a canary"
            );
        }
        Ok(())
    }
}
