//! What an outcome does: to the health of its version, to its provider, and to the cooldown of its account.

use std::sync::Arc;
use std::time::Duration;

use super::blaming::{cool, event, is_counted, is_rejection, who};
use super::incidents::tell_provider;
use super::words::is_closing;
use super::{Vault, opened::Opened};
use crate::domain::accusers::Matter;
use crate::domain::claims::LeaseClaims;
use crate::domain::classify;
use crate::domain::health::FailureClass;
use crate::domain::judged::{Judged, Seen};
use crate::domain::outcome::Outcome;
use crate::domain::pool::HealthPolicy;
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Event;
use crate::live::snapshot::{AccountEntry, VersionEntry};

impl Vault {
    /// Judges outcomes by the rules of the lease's pool and then those of the account's provider; of an account that is gone, by those for
    /// everybody.
    pub(super) fn explain(
        &self,
        claims: &LeaseClaims,
        outcomes: &[Outcome],
        now: Timestamp,
    ) -> Vec<Judged> {
        let Ok(book) = classify::built_in() else {
            return Vec::new();
        };
        let snapshot = self.live.snapshot();
        let account = snapshot.account_of(claims);
        let rules = account.map_or_else(
            || book.named(Profile::Generic.as_str()),
            |a| book.of_account(a.account.profile, &a.account.endpoint.base_url),
        );
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let rules = rules.after(pool.and_then(|pool| pool.pool.failure_rules.as_deref()));
        outcomes.iter().map(|o| o.judged(rules, now)).collect()
    }

    /// Lets a new outcome act on what is in memory, where it came in. Failures in a row are counted by the issuer alone.
    pub(super) fn act(&self, lease: &Opened, (outcome, is_again): (&Judged, bool), now: Timestamp) {
        let snapshot = self.live.snapshot();
        let claims = &lease.claims;
        // An account that is gone cools no more; its outcome is still explained.
        let Some(account) = snapshot.account_of(claims) else {
            return;
        };
        let version = snapshot.versions.get(&claims.version_uid);
        tell_provider(account, lease, outcome, now);
        if self.is_late(claims, outcome) {
            return;
        }
        let pause = self.brake(lease, outcome, now);
        // First: a word against the whole account counts once that against its key is confirmed.
        self.tell_version(lease, (outcome, is_again), pause, now);
        match &outcome.seen {
            Seen::NotSent => {}
            Seen::Success => self.succeed(account, version, claims, now),
            Seen::Failed { failure, why } => {
                let why = format!("{} ({why})", failure.class.as_str());
                let weight = self.weight(claims, now);
                if weight.is_some() {
                    self.contradict(claims, failure, now);
                }
                cool(
                    account,
                    version,
                    claims,
                    (failure, outcome.model.as_deref()),
                    (&why, pause, weight),
                    now,
                );
            }
        }
    }

    /// Lets an outcome act whose report found no room to be counted, as far as it says by itself what is the matter with the key or its
    /// account: a report that comes again says no more than that again. A row of failures, and its end, is only made of what counts.
    pub(super) fn act_uncounted(&self, lease: &Opened, outcome: &Judged, now: Timestamp) {
        let snapshot = self.live.snapshot();
        let claims = &lease.claims;
        let Seen::Failed { failure, why } = &outcome.seen else {
            return;
        };
        if is_counted(failure) || self.is_late(claims, outcome) {
            return;
        }
        if let Some(account) = snapshot.account_of(claims) {
            let version = snapshot.versions.get(&claims.version_uid);
            let why = format!("{} ({why})", failure.class.as_str());
            let pause = self.brake(lease, outcome, now);
            self.tell_version(lease, (outcome, false), pause, now);
            let weight = self.weight(claims, now);
            cool(
                account,
                version,
                claims,
                (failure, outcome.model.as_deref()),
                (&why, pause, weight),
                now,
            );
        }
    }

    /// Whether a word against a key comes late, of a lease from before it was found well: the provider may have said so before that.
    fn is_late(&self, claims: &LeaseClaims, outcome: &Judged) -> bool {
        let snapshot = self.live.snapshot();
        let version = snapshot.versions.get(&claims.version_uid);
        is_rejection(outcome) && version.is_some_and(|v| v.live.is_well_since(claims.given))
    }

    /// A use went well: whoever alone said that its account, or its key, had spent its budget was wrong.
    fn succeed(
        &self,
        account: &AccountEntry,
        version: Option<&Arc<VersionEntry>>,
        claims: &LeaseClaims,
        now: Timestamp,
    ) {
        let by = (claims.caller_uid, claims.given);
        let refuted = version.and_then(|version| version.live.refute(&claims.model, by, now));
        self.live.refuted(refuted);
        let found = account.live.succeed(&claims.model, by, now);
        if let Some(accuser) = found.wrong {
            let found = (claims.account_uid, claims.caller_uid);
            self.live.refuted_budget(accuser, Some(found));
        }
        if let Some(by) = found.in_vain {
            self.live.counted_in_vain(by, now);
        }
    }

    /// Takes up an outcome that came in elsewhere: only what the issuer alone counts. The rest acted there, and the fleet knows of it.
    pub(super) fn follow(
        &self,
        lease: &Opened,
        (outcome, is_again): (&Judged, bool),
        now: Timestamp,
    ) {
        // What came long after its lease ended says nothing about today.
        if now > lease.ends {
            return;
        }
        match &outcome.seen {
            Seen::NotSent => {}
            Seen::Success => {
                self.peer(&lease.claims, true, now);
                self.tell_version(lease, (outcome, false), None, now);
            }
            Seen::Failed { failure, .. } if is_counted(failure) => {
                self.peer(&lease.claims, false, now);
                self.tell_version(lease, (outcome, is_again), None, now);
            }
            Seen::Failed { .. } => {}
        }
    }

    /// Where others of its provider fail in a row, the issuer asks whether this one succeeded meanwhile.
    fn peer(&self, claims: &LeaseClaims, is_well: bool, now: Timestamp) {
        let snapshot = self.live.snapshot();
        let account = snapshot.account_of(claims);
        let (version, model) = (claims.version_uid, claims.model.as_str());
        match account.map(|account| &account.provider) {
            Some(provider) if is_well => provider.peer_succeeded(version, model, now),
            Some(provider) => provider.peer_failed(version, model, now),
            None => {}
        }
    }

    /// A canary is back, and what it said is committed: where it decided nothing, the next lease is a canary again.
    pub(super) fn take_canary_back(&self, lease: &Opened) {
        if !lease.claims.is_canary || !self.may_give_back(lease) {
            return;
        }
        let snapshot = self.live.snapshot();
        if let Some(version) = snapshot.versions.get(&lease.claims.version_uid) {
            let canary = version.live.canary();
            canary.returned(&self.live.canaries, lease.claims.given);
        }
    }

    /// What an outcome says to the health of its version; one that was revoked has none any more.
    fn tell_version(
        &self,
        lease: &Opened,
        (outcome, is_again): (&Judged, bool),
        pause: Option<Duration>,
        now: Timestamp,
    ) {
        let snapshot = self.live.snapshot();
        let claims = &lease.claims;
        let account = snapshot.account_of(claims);
        let version = snapshot.versions.get(&claims.version_uid);
        let (Some(account), Some(version)) = (account, version) else {
            return;
        };
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let policy = pool.map_or_else(HealthPolicy::default, |p| p.pool.health_policy);
        let policy = self.seconded(account, claims, outcome, policy, now);
        let policy = policy.braked(pause);
        let (is_issuer, who) = (lease.issuer == self.live.boot_id, who(claims));
        match &outcome.seen {
            Seen::Failed { .. } if is_again => {}
            Seen::NotSent => {}
            Seen::Success => {
                let is_canary = claims.is_canary;
                let event = Event::Success { is_canary };
                version.live.succeeded_with(&claims.model, now);
                let refuted = version.live.on(event, &policy, "", who, now);
                self.live.refuted(refuted);
            }
            Seen::Failed { failure, why } => {
                // What a way that is barred makes of a request says nothing of the key.
                if failure.class == FailureClass::Unknown
                    && account.provider.is_way_suspected(claims.caller_uid, now)
                {
                    return;
                }
                let word = self.word(claims, failure, now);
                if is_rejection(outcome) && !word.is_doubted {
                    let version = claims.version_uid;
                    self.live.contradicts(version, Matter::Key, word.by, now);
                }
                if is_closing(failure) && !word.is_doubted {
                    let until = now.after(policy.quarantine());
                    account.live.said_closed(word.by, until, now);
                }
                // Its word takes the key from itself alone; whether it is right the provider is asked, once for each such word.
                let is_rejected = failure.class == FailureClass::Credential;
                let is_doubted = is_rejected && word.is_doubted;
                if is_doubted && !version.live.is_kept_from(claims.caller_uid, now) {
                    self.live.suspects.note(claims.version_uid);
                }
                let why = self.why(who, failure, why);
                let failed = (failure, outcome.start);
                let event = event(account, claims, failed, word, is_issuer, now);
                version.live.on(event, &policy, &why, who, now);
            }
        }
    }
}
