//! What the headers of reported answers say of the account's budgets. In memory, at once: a budget that is spent rests before the provider
//! refuses, and how large one is is written by a loop in the background.

use super::Vault;
use super::blaming::{cool_for, who};
use super::opened::Opened;
use crate::domain::accusers::Matter;
use crate::domain::classify::{self, Blame, Statement, stated};
use crate::domain::cooling::{Failing, place_of};
use crate::domain::health::FailureClass;
use crate::domain::judged::Judged;
use crate::domain::learned::BudgetName;
use crate::domain::outcome::Outcome;
use crate::domain::remaining::Word;
use crate::domain::time::Timestamp;
use crate::live::heard::Witness;
use crate::live::snapshot::AccountEntry;

impl Vault {
    /// Takes up what new outcomes carry, whatever became of them.
    pub(super) fn hear(
        &self,
        lease: &Opened,
        outcomes: &[Outcome],
        judged: &[Judged],
        now: Timestamp,
    ) {
        let carries = |outcome: &Outcome| !outcome.observation.headers().is_empty();
        let Ok(book) = classify::built_in() else {
            return;
        };
        if !outcomes.iter().any(carries) {
            return;
        }
        let snapshot = self.live.snapshot();
        let Some(account) = snapshot.accounts.get(&lease.claims.account_uid) else {
            return;
        };
        let endpoint = &account.account.endpoint;
        let rules = book.of_account(account.account.profile, &endpoint.base_url);
        for (outcome, judged) in outcomes.iter().zip(judged) {
            for statement in stated(outcome.observation.headers(), rules, now) {
                if speaks_of_budgets(judged) {
                    self.rest(lease, account, &statement, now);
                    self.count(lease, account, statement, now);
                }
                self.learn(lease, account, &statement, now);
            }
        }
    }

    /// Rests what is said to be spent.
    fn rest(&self, lease: &Opened, account: &AccountEntry, said: &Statement, now: Timestamp) {
        let claims = &lease.claims;
        // Where no limit counts it, one unit.
        let need = account.drawn(claims, said.dimension).unwrap_or(1);
        let Some(spent) = said.spent(need) else {
            return;
        };
        let left = said.remaining.unwrap_or(0);
        let (class, dimension) = (spent.class.as_str(), said.dimension.as_str());
        let why = format!("{class} ({left} {dimension} left, by its headers)");
        let failing = Failing {
            class: spent.class,
            stated: Some(spent.wait),
            why: &why,
        };
        let (caller, model) = (claims.caller_uid, claims.model.as_str());
        let Some(weight) = self.weight(claims, now) else {
            cool_for(account, claims, (said.blame, None), failing, now);
            return;
        };
        // That what is left is too little for a use is our own estimate.
        let weight = if left > 0 { weight.inferred() } else { weight };
        if said.blame == Blame::Account {
            account.live.said_with(caller, model);
        }
        let word = (caller, weight);
        match said.blame {
            Blame::Account => account.live.spend(word, "", spent, &why, now),
            Blame::AccountModel => {
                account
                    .live
                    .spend(word, place_of(Some(model)), spent, &why, now)
            }
            Blame::Key => {
                let snapshot = self.live.snapshot();
                if let Some(version) = snapshot.versions.get(&claims.version_uid) {
                    let live = &version.live;
                    live.blame("", failing, weight, who(claims), now);
                }
            }
            Blame::KeyModel | Blame::Request | Blame::Provider | Blame::Egress => {}
        }
    }

    /// Counts from now on what is leased of what is left. When that runs out it rests as if none were left, by the same word and for no
    /// longer. A budget of a single key is not counted, since leases are not by key.
    fn count(&self, lease: &Opened, account: &AccountEntry, said: Statement, now: Timestamp) {
        let claims = &lease.claims;
        if self.live.is_doubted(claims.caller_uid, Matter::Count, now) {
            return;
        }
        let place = match said.blame {
            Blame::Account => "",
            Blame::AccountModel => place_of(Some(&claims.model)),
            Blame::Key | Blame::KeyModel | Blame::Request | Blame::Provider | Blame::Egress => {
                return;
            }
        };
        let word = Word {
            caller: claims.caller_uid,
            weight: self.weight(claims, now),
            model: claims.model.clone(),
        };
        account
            .live
            .hear_left(place, (word, claims.given), said, now);
    }

    /// Hears how large a budget is. One of a model that the lease did not name is nobody's.
    fn learn(&self, lease: &Opened, account: &AccountEntry, said: &Statement, now: Timestamp) {
        let claims = &lease.claims;
        let (Some(amount), Some(window)) = (said.limit, said.window) else {
            return;
        };
        let model = match said.blame {
            Blame::Account => "",
            Blame::AccountModel if !claims.model.is_empty() => claims.model.as_str(),
            Blame::AccountModel
            | Blame::Key
            | Blame::KeyModel
            | Blame::Request
            | Blame::Provider
            | Blame::Egress => return,
        };
        let budget = BudgetName {
            dimension: said.dimension,
            model: model.to_owned(),
            window,
        };
        let witness = Witness {
            caller: claims.caller_uid,
            lease: (lease.issuer, lease.serial),
        };
        account.live.hear(budget, amount, witness, now);
    }
}

/// Whether what it carries beside its words may rest a budget. A refusal for want of one says by its words how long it lasts, as does one
/// for want of an entitlement; where a firewall answered, nobody knows whose headers those are.
fn speaks_of_budgets(outcome: &Judged) -> bool {
    match outcome.failure().map(|failure| failure.class) {
        None => !outcome.is_not_sent(),
        Some(
            FailureClass::Quota
            | FailureClass::RateLimit
            | FailureClass::ModelAccess
            | FailureClass::RegionOrEgress,
        ) => false,
        Some(
            FailureClass::CallerFault
            | FailureClass::Credential
            | FailureClass::ProviderFault
            | FailureClass::Unknown,
        ) => true,
    }
}
