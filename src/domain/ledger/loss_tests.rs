//! What follows lost writes.

use super::*;
use crate::domain::ledger::entry::tests::{A, DAY, MINUTE, SEEN, ask, asker, at, entry, grant};

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
    assert_eq!(after, Some(Aftermath::Charged((3 + 1) * 3 * 100)));
    // It listens to every replica first, by the higher clock: that of an idle limit may stand far behind.
    assert_eq!(entry.frozen(&DAY), Some(at(1_005)));
    entry.clocks.high = at(1_005);
    assert_eq!(entry.frozen(&DAY), None);
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
    assert_eq!(after, Some(Aftermath::Charged(2 * 3_000)));
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

/// The limit was answered for by a replica that knew of nothing large.
#[test]
fn what_another_replica_was_granted_is_answered_for_when_it_tells() {
    let (most, loss) = (
        Most {
            units: 3_000,
            charge: Duration::from_secs(90),
        },
        Loss {
            incarnation: 2,
            replicas: 1,
            periods: 1,
        },
    );
    let mut entry = entry();
    entry.notice(loss, (Seen::NONE, Most::NONE), 6_400, &DAY);
    let told = entry.notice(loss, (SEEN, most), 6_400, &DAY);
    assert_eq!(told, Some(Aftermath::Charged(6_000)));
    let within_share = Most { units: 100, ..most };
    let told = entry.notice(loss, (SEEN, within_share), 6_400, &DAY);
    assert_eq!(told, None, "all are charged for that");
    let mut entry = self::entry();
    entry.notice(loss, (Seen::NONE, Most::NONE), 100, &MINUTE);
    assert!(entry.frozen_until < Some(at(1_090)));
    let told = entry.notice(loss, (SEEN, most), 100, &MINUTE);
    assert_eq!(told, Some(Aftermath::Frozen));
    assert_eq!(entry.frozen_until, Some(at(1_090)));
    entry.clocks.high = at(1_030);
    assert_eq!(entry.notice(loss, (SEEN, most), 100, &MINUTE), None);
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
