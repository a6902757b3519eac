//! Reports, and what they do to keys, accounts and permits.

use std::sync::Arc;
use std::time::Duration;

use keylease::domain::breaker::Sight;
use keylease::domain::cooling::{Failing, Weight};
use keylease::domain::health::FailureClass;
use keylease::domain::ledger::block::Ending;
use keylease::domain::ledger::settle::{Lease, Part};
use keylease::domain::pool::HealthPolicy;
use keylease::domain::spend::{Day, SpendKey, Sums};
use keylease::domain::tags::Tags;
use keylease::domain::time::Timestamp;
use keylease::domain::transition::Who;
use keylease::domain::usage::Usage;
use keylease::domain::vitals::{Event, Word};
use keylease::live::owed::Judgement;
use keylease::live::reports::{Claimed, Entry};
use keylease::live::snapshot::{AccountEntry, Snapshot, VersionEntry};

use super::fleet::Fleet;
use super::traffic::{Given, LASTS, Traffic};
use crate::time::SECOND;

/// A version that was found dead is for so long.
const DEAD: Duration = Duration::from_hours(1);

impl Traffic {
    /// One part of it, or all.
    pub(super) fn report(&mut self, fleet: &mut Fleet, snapshot: &Snapshot, mut given: Given) {
        let now = fleet.now();
        let uses = if fleet.random.chance(0.5) {
            1
        } else {
            given.granted - given.reported
        };
        let claimed = Claimed {
            caller: given.caller,
            serial: given.serial,
            sequence: given.reported,
            uses,
            granted: given.granted,
            is_final: false,
            ending: Ending {
                is_sure: true,
                started_by: given.received,
            },
            lasts: LASTS,
            renewed: fleet
                .live
                .renewals
                .until(given.issuer, given.serial)
                .map(|until| until.boot),
        };
        let entry = fleet
            .live
            .reports_of(given.issuer)
            .enter(&claimed, now.boot);
        assert!(matches!(entry, Entry::New(_)), "{entry:?}");
        let Entry::New(ending) = entry else { return };
        fleet.did.reports += 1;
        act(fleet, snapshot, &given);
        if given.issuer == fleet.live.boot_id {
            settle(fleet, snapshot, &given, uses, ending);
            if ending.is_some() {
                assert!(self.replayed.end(given.caller, given.serial));
            }
        } else {
            fleet.did.foreign += 1;
            fleet
                .live
                .outbox
                .send(given.issuer, given.model.clone().into_bytes());
        }
        given.reported += uses;
        // Some are never reported to their end.
        if given.reported < given.granted {
            fleet.did.parts += 1;
            if fleet.random.chance(0.8) {
                given.due = fleet.time + SECOND;
                self.out.push_front(given);
            }
        }
    }
}

/// What the outcome does to the key and its account.
fn act(fleet: &mut Fleet, snapshot: &Snapshot, given: &Given) {
    let now = fleet.now().database;
    let (account, version) = (
        snapshot.accounts.get(&given.account),
        snapshot.versions.get(&given.version),
    );
    let (Some(account), Some(version)) = (account, version) else {
        return;
    };
    let policy = HealthPolicy {
        dead_ttl: Some(DEAD),
        ..HealthPolicy::default()
    };
    let sight = Sight {
        caller: given.caller,
        version: given.version,
        given: given.given,
    };
    let who = Who::Caller(given.caller);
    let chance = fleet.random.unit();
    let word = Word {
        by: given.caller,
        is_canary: false,
        is_doubted: false,
    };
    if chance < 0.005 {
        version
            .live
            .on(Event::Rejected(word), &policy, "401", who, now);
        fleet.did.deaths += 1;
    } else if chance < 0.01 {
        cool(account, version, given, now);
        fleet.did.cooldowns += 1;
    } else if chance < 0.03 {
        let others_succeeded = account
            .provider
            .others_succeeded(given.version, &given.model, now);
        version.live.on(
            Event::ProviderFault {
                others_succeeded,
                word,
            },
            &policy,
            "500",
            who,
            now,
        );
    } else {
        let success = Event::Success { is_canary: false };
        version.live.on(success, &policy, "", who, now);
        let by = (given.caller, given.given);
        account.live.succeed(&given.model, by, now);
        version.live.refute(&given.model, by, now);
        let provider = &account.provider;
        provider.peer_succeeded(given.version, &given.model, now);
        provider.succeeded(sight, now);
    }
    save(fleet, account, version, given);
}

/// A budget of the account, and of the key, is spent for a model.
fn cool(account: &AccountEntry, version: &VersionEntry, given: &Given, now: Timestamp) {
    let failing = Failing {
        class: FailureClass::RateLimit,
        stated: None,
        why: "429",
    };
    let weight = Weight::Alleged {
        by: given.caller,
        given: given.given,
        quarantine: HealthPolicy::default().quarantine(),
    };
    let word = (given.caller, weight);
    account.live.blame(word, &given.model, failing, now);
    version.live.blame(
        &given.model,
        failing,
        weight,
        Who::Caller(given.caller),
        now,
    );
}

/// What the fleet must know is written.
fn save(fleet: &Fleet, account: &AccountEntry, version: &VersionEntry, given: &Given) {
    let judgement = Judgement {
        account_uid: given.account,
        version_uid: given.version,
        canary: None,
    };
    if let Some(health) = version.live.unsaved() {
        fleet.live.owed.note(judgement);
        version.live.saved(&health);
        fleet.live.owed.settled(judgement);
    }
    for (model, cause) in account.live.unsaved() {
        account.live.saved(&model, &cause);
    }
    for (model, cause) in version.live.unsaved_models() {
        version.live.saved_model(&model, &cause);
    }
}

fn settle(fleet: &Fleet, snapshot: &Snapshot, given: &Given, uses: u32, ending: Option<Ending>) {
    let key = SpendKey {
        day: Day::of(fleet.now().database),
        pool: Arc::clone(&given.pool),
        account: "accounts/a".into(),
        model: "m".into(),
        caller: "callers/c".into(),
        tags: Tags::default(),
    };
    fleet.live.spend.add(
        key,
        Sums {
            requests: u64::from(uses),
            ..Sums::default()
        },
    );
    let Some(account) = snapshot.accounts.get(&given.account) else {
        return;
    };
    let lease = Lease {
        draws: &given.draws,
        model: Some(&given.model),
        granted: u64::from(given.granted),
    };
    let part = Part {
        uses: u64::from(uses),
        is_not_sent: false,
        consumed: Usage::default(),
    };
    account
        .live
        .with_budget(|budget| budget.settle(lease, &[part], ending));
    fleet.live.ledger.note(std::slice::from_ref(&account.live));
}
