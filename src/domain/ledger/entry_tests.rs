//! What is granted beside claims, and what follows lost writes.

use super::*;
use crate::domain::offline::Plan;
use crate::domain::terms::Span;

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);
const MINUTE: Terms = Terms {
    span: Span::Rolling(Duration::from_secs(60)),
    validity: Duration::from_secs(1),
    start_within: Duration::from_secs(3),
    blackout: Duration::ZERO,
};
const DAY: Terms = Terms {
    span: Span::Rolling(Duration::from_hours(24)),
    ..MINUTE
};

/// The last grant of [`entry`].
const SEEN: Seen = Seen {
    incarnation: 1,
    grant_number: 7,
};

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

const fn entry() -> Entry {
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
        block_units_max: 0,
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

const fn asker(boot_id: Uuid) -> Asker {
    Asker {
        boot_id,
        live: 2,
        loss: Loss {
            incarnation: 1,
            replicas: 2,
            periods: 1,
        },
    }
}

const fn ask(need: u64) -> Ask {
    Ask {
        need,
        want: need,
        largest: need,
        is_awaited: true,
    }
}

/// What is granted beside the charged units at second 1,000.
fn grant(entry: &mut Entry, boot_id: Uuid, ask: Ask, charged: u64) -> u64 {
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
    assert_eq!(entry.claim, None);
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
    let mut entry = entry();
    let refill = Ask {
        is_awaited: false,
        ..ask(80)
    };
    grant(&mut entry, A, refill, 30);
    assert_eq!(entry.claim, None);
}

#[test]
fn another_incarnation_freezes_for_the_charge_time_and_once() {
    let mut entry = entry();
    let loss = Loss {
        incarnation: 2,
        ..asker(A).loss
    };
    assert_eq!(
        entry.notice(loss, (SEEN, Most::NONE), 100, &MINUTE),
        Some(Aftermath::Frozen)
    );
    assert_eq!(entry.notice(loss, (SEEN, Most::NONE), 100, &MINUTE), None);
    let until = at(1_000).after(MINUTE.charge_time());
    assert_eq!(entry.frozen_until, Some(until));
    assert_eq!(grant(&mut entry, A, ask(1), 0), 0);
    entry.clocks.low = until;
    assert_eq!(grant(&mut entry, A, ask(1), 0), 1);
}

#[test]
fn a_forgotten_grant_freezes_and_the_numbers_go_on() {
    let mut entry = entry();
    let loss = asker(A).loss;
    let ninth = Seen {
        grant_number: 9,
        ..SEEN
    };
    assert_eq!(
        entry.notice(loss, (ninth, Most::NONE), 100, &MINUTE),
        Some(Aftermath::Frozen)
    );
    assert_eq!(entry.grant_number, 9);
    assert_eq!(entry.notice(loss, (ninth, Most::NONE), 100, &MINUTE), None);
}

#[test]
fn a_long_window_is_charged_for_what_may_be_lost_and_goes_on() {
    let mut entry = entry();
    let loss = Loss {
        incarnation: 2,
        replicas: 3,
        periods: 2,
    };
    let after = entry.notice(loss, (SEEN, Most::NONE), 6_400, &DAY);
    assert_eq!(after, Some(Aftermath::Charged(3 * 3 * 100)));
    assert!(!entry.is_frozen());
    entry.block_units_max = 6_000;
    let again = Loss {
        incarnation: 3,
        ..loss
    };
    assert_eq!(
        entry.notice(again, (SEEN, Most::NONE), 6_400, &DAY),
        Some(Aftermath::Charged(6_400))
    );
}

#[test]
fn what_a_replica_was_granted_is_answered_for_although_the_database_forgot_it() {
    let most = Most {
        units: 3_000,
        charge: Duration::from_secs(90),
    };
    let loss = Loss {
        incarnation: 2,
        replicas: 1,
        periods: 0,
    };
    let mut entry = entry();
    let after = entry.notice(loss, (SEEN, most), 6_400, &DAY);
    assert_eq!(after, Some(Aftermath::Charged(3_000)));
    let mut entry = self::entry();
    entry.notice(loss, (SEEN, most), 100, &MINUTE);
    assert_eq!(entry.frozen_until, Some(at(1_090)));
    assert_eq!(entry.reach.charge, most.charge);
}

/// Each replica has seen another grant last, and touches the limit at another time.
#[test]
fn a_loss_is_answered_once_whatever_each_replica_had_seen_before_it() {
    for terms in [MINUTE, DAY] {
        let mut entry = entry();
        let loss = Loss {
            incarnation: 2,
            ..asker(A).loss
        };
        let seen = |grant_number| Seen {
            grant_number,
            ..SEEN
        };
        assert!(
            entry
                .notice(loss, (seen(9), Most::NONE), 6_400, &terms)
                .is_some()
        );
        let answered = entry;
        entry.clocks.high = at(1_030);
        for grant_number in [12, 7, 40] {
            assert_eq!(
                entry.notice(loss, (seen(grant_number), Most::NONE), 6_400, &terms),
                None
            );
        }
        assert_eq!(entry.frozen_until, answered.frozen_until);
        // What was granted since is another matter.
        let since = Seen {
            incarnation: 2,
            grant_number: 41,
        };
        assert!(
            entry
                .notice(loss, (since, Most::NONE), 6_400, &terms)
                .is_some()
        );
    }
}

#[test]
fn a_row_from_before_a_loss_that_it_had_answered_to_is_forgetful() {
    let mut entry = entry();
    let since = Seen {
        incarnation: 2,
        grant_number: 3,
    };
    let loss = asker(A).loss;
    assert_eq!(
        entry.notice(loss, (since, Most::NONE), 100, &MINUTE),
        Some(Aftermath::Frozen)
    );
    assert_eq!(
        entry.last(),
        Seen {
            incarnation: 2,
            grant_number: 7
        }
    );
    assert_eq!(entry.notice(loss, (since, Most::NONE), 100, &MINUTE), None);
}
