//! What is granted beside claims.

use super::*;
use crate::domain::offline::Plan;
use crate::domain::terms::Span;

pub(in crate::domain::ledger) const A: Uuid = Uuid::from_u128(1);
pub(in crate::domain::ledger) const B: Uuid = Uuid::from_u128(2);
pub(in crate::domain::ledger) const MINUTE: Terms = Terms {
    span: Span::Rolling(Duration::from_secs(60)),
    validity: Duration::from_secs(1),
    start_within: Duration::from_secs(3),
    blackout: Duration::ZERO,
};
pub(in crate::domain::ledger) const DAY: Terms = Terms {
    span: Span::Rolling(Duration::from_hours(24)),
    ..MINUTE
};

/// The last grant of [`entry`].
pub(in crate::domain::ledger) const SEEN: Seen = Seen {
    incarnation: 1,
    grant_number: 7,
};

pub(in crate::domain::ledger) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

pub(in crate::domain::ledger) const fn entry() -> Entry {
    Entry {
        clocks: Clocks {
            high: at(1_000),
            low: at(1_000),
        },
        reach: Reach::NONE,
        grant_number: 7,
        incarnation: 1,
        frozen_until: None,
        claim: None,
        told: None,
        block_units_max: 0,
        lately: Lately {
            newcomers: None,
            raise: None,
        },
        offline: Reserve {
            plan: Plan {
                slot_units: 0,
                slots: 0,
                window: Duration::ZERO,
                reach: Duration::ZERO,
            },
            kept: None,
            ripe_at: None,
        },
    }
}

pub(in crate::domain::ledger) const fn asker(boot_id: Uuid) -> Asker {
    Asker {
        boot_id,
        live: 2,
        loss: Loss {
            incarnation: 1,
            replicas: 2,
            periods: 1,
        },
        losable: Losable {
            within: Duration::ZERO,
            newcomer_for: Duration::ZERO,
        },
    }
}

pub(in crate::domain::ledger) const fn ask(need: u64) -> Ask {
    Ask {
        need,
        want: need,
        lacking: 0,
        largest: need,
        urgency: Urgency::Awaited,
        only_looks: false,
    }
}

/// What is granted beside the charged units at second 1,000.
pub(in crate::domain::ledger) fn grant(
    entry: &mut Entry,
    boot_id: Uuid,
    ask: Ask,
    charged: u64,
) -> u64 {
    entry.grant(&asker(boot_id), ask, 100, charged, &MINUTE, at(1_000))
}

#[test]
fn an_unmet_need_is_left_room_for_until_its_claim_ends() {
    let mut entry = entry();
    assert_eq!(grant(&mut entry, A, ask(80), 30), 0);
    // 70 are free, and 80 are claimed.
    assert_eq!(grant(&mut entry, B, ask(1), 30), 0);
    // 90 are free: 10 beside the claim.
    assert_eq!(grant(&mut entry, B, ask(10), 10), 10);
    assert_eq!(grant(&mut entry, A, ask(80), 20), 80);
    assert_eq!(entry.claim.map(|claim| claim.units), Some(0));
}

#[test]
fn who_was_granted_its_claim_lets_others_claim_first() {
    let mut entry = entry();
    let claim = |entry: &Entry| entry.claim.map(|claim| (claim.boot_id, claim.units));
    grant(&mut entry, A, ask(1), 100);
    assert_eq!(grant(&mut entry, A, ask(1), 99), 1);
    // Its next need waits too: others come first.
    grant(&mut entry, A, ask(1), 100);
    assert_eq!(claim(&entry), Some((A, 0)));
    grant(&mut entry, B, ask(1), 100);
    assert_eq!(claim(&entry), Some((B, 1)));
    assert_eq!(grant(&mut entry, A, ask(1), 99), 0);
    assert_eq!(grant(&mut entry, B, ask(1), 99), 1);
    // Where nobody else claims anything it may again, once that has ended.
    let later = |entry: &mut Entry| entry.grant(&asker(B), ask(1), 100, 100, &MINUTE, at(1_001));
    assert_eq!(later(&mut entry), 0);
    assert_eq!(claim(&entry), Some((B, 1)));
}

#[test]
fn a_replica_alone_lets_nobody_claim_first() {
    let alone = Asker {
        live: 1,
        ..asker(A)
    };
    let mut entry = entry();
    entry.grant(&alone, ask(1), 100, 100, &MINUTE, at(1_000));
    let units = entry.grant(&alone, ask(1), 100, 99, &MINUTE, at(1_000));
    assert_eq!((units, entry.claim), (1, None));
}

#[test]
fn there_is_one_claim_and_it_ends_unless_renewed() {
    let mut entry = entry();
    grant(&mut entry, A, ask(80), 30);
    grant(&mut entry, B, ask(90), 30);
    assert_eq!(entry.claim.map(|claim| claim.boot_id), Some(A));
    let later = entry.grant(&asker(B), ask(70), 100, 30, &MINUTE, at(1_001));
    assert_eq!(later, 70);
}

/// The clock of the database was an hour ahead for a moment: that of the limit stands still until the hour is over.
#[test]
fn a_claim_whose_owner_is_gone_ends_although_the_higher_clock_stands_still() {
    for claimed_at in [at(1_000), at(4_600)] {
        let mut entry = entry();
        entry.clocks.high = at(4_600);
        let none = entry.grant(&asker(A), ask(80), 100, 30, &MINUTE, claimed_at);
        assert_eq!(none, 0);
        let soon = entry.grant(&asker(B), ask(70), 100, 30, &MINUTE, claimed_at);
        assert_eq!(soon, 0);
        let later = entry.grant(&asker(B), ask(70), 100, 30, &MINUTE, at(1_001));
        assert_eq!(later, 70, "claimed at {claimed_at:?}");
    }
}

#[test]
fn who_does_not_wait_claims_nothing() {
    for urgency in [Urgency::Ahead, Urgency::Lacking] {
        let mut entry = entry();
        let refill = Ask { urgency, ..ask(80) };
        grant(&mut entry, A, refill, 30);
        assert_eq!(entry.claim, None);
    }
}

/// Demand to come would take what a caller was told that it may come back for.
#[test]
fn what_a_caller_was_told_to_come_back_for_is_there_when_it_does() {
    let ahead = Ask {
        want: 60,
        urgency: Urgency::Ahead,
        ..ask(1)
    };
    let lacking = Ask {
        urgency: Urgency::Lacking,
        ..ask(80)
    };
    let granted = |ask, charged: u64, now: Timestamp| {
        let mut entry = entry();
        let told = Told {
            units: 80,
            at: at(1_010),
        };
        entry.tell(told, at(1_000), &MINUTE);
        let units = entry.grant(&asker(B), ask, 100, charged, &MINUTE, now);
        (units, entry.told)
    };
    // What is granted so early is back by then, unless somebody uses it.
    assert_eq!(granted(ahead, 20, at(1_000)).0, 20);
    for near in [at(1_008), at(1_010)] {
        assert_eq!(granted(ahead, 20, near).0, 0);
        assert_eq!(granted(ahead, 10, near).0, 2);
        assert_eq!(granted(lacking, 20, near), (80, None));
    }
    assert_eq!(granted(ahead, 20, at(1_011)).0, 20);
}

/// A need of one is as small as any that is asked for ahead of demand, which is not that caller who is back.
#[test]
fn what_is_granted_ahead_or_to_others_before_ends_no_promise() {
    let ask = |urgency| Ask { urgency, ..ask(1) };
    let mut entry = entry();
    let told = Told {
        units: 1,
        at: at(1_010),
    };
    entry.tell(told, at(1_000), &MINUTE);
    let mut granted =
        |urgency, charged, now| entry.grant(&asker(B), ask(urgency), 100, charged, &MINUTE, now);
    assert_eq!(granted(Urgency::Lacking, 50, at(1_001)), 1);
    assert_eq!(granted(Urgency::Ahead, 50, at(1_009)), 1);
    assert_eq!(granted(Urgency::Ahead, 99, at(1_009)), 0);
    assert_eq!(granted(Urgency::Lacking, 99, at(1_010)), 1);
    assert_eq!(granted(Urgency::Ahead, 99, at(1_010)), 1);
}

#[test]
fn of_those_who_are_told_to_come_back_the_first_is_kept_room_for() {
    let told = |units, seconds| Told {
        units,
        at: at(seconds),
    };
    let mut entry = entry();
    entry.tell(told(80, 1_010), at(1_000), &MINUTE);
    entry.tell(told(90, 1_020), at(1_000), &MINUTE);
    assert_eq!(entry.told, Some(told(80, 1_010)));
    entry.tell(told(10, 1_005), at(1_000), &MINUTE);
    assert_eq!(entry.told, Some(told(10, 1_005)));
    entry.tell(told(90, 1_020), at(1_006), &MINUTE);
    assert_eq!(entry.told, Some(told(90, 1_020)));
}
