//! Limits that count by the calendar, and limits of what is held: across midnight, and with leases that go on.

use std::time::Duration;

use crate::bugs::Bug;
use crate::scenarios::faults;
use crate::setup::{Faults, Setup, concurrency, requests, requests_a_day};
use crate::shares::LEAST_SERVED;
use crate::{caught, holds};

/// A minute before midnight, of a limit that the day before does not use up, and the day after does.
pub(crate) fn midnight() -> Setup {
    Setup {
        runs: 6,
        limits: vec![requests_a_day(400)],
        before_midnight: Duration::from_secs(60),
        demand: 5.0,
        is_bursty: false,
        think_max: Duration::from_millis(2_900),
        is_synchronous: true,
        ..Setup::default()
    }
}

/// More callers than permits, with uses that last longer than their leases.
fn held() -> Setup {
    Setup {
        runs: 6,
        limits: vec![concurrency(20, 12)],
        demand: 8.0,
        is_bursty: false,
        lease_duration: Duration::from_secs(8),
        hold_max: Duration::from_secs(12),
        ..Setup::default()
    }
}

/// Whatever leaves the clocks of the database and of providers close enough to one another.
pub(crate) fn everything() -> Faults {
    Faults {
        crash: 0.02,
        pause: 0.03,
        slow_database: 0.1,
        lost_reply: 0.02,
        slow_lease: 0.1,
        outage: 0.01,
        clock_near: 0.05,
        ..faults()
    }
}

pub(crate) fn share(runs: &[(u64, crate::oracle::Verdict)]) -> f64 {
    runs.iter().map(|(_, v)| v.share).sum::<f64>() / runs.len() as f64
}

/// Uses that go on for many leases, which any replica renews, while those that gave them cannot hear of it.
pub(crate) fn held_on() -> Setup {
    Setup {
        lease_duration: Duration::from_secs(3),
        hold_max: Duration::from_secs(40),
        faults: Faults {
            cut_off: 0.05,
            cut_off_max: Duration::from_secs(8),
            pause: 0.03,
            ..faults()
        },
        ..held()
    }
}

#[test]
fn leases_go_on_that_those_who_gave_them_do_not_hear_of() {
    holds(
        "leases_go_on_that_those_who_gave_them_do_not_hear_of",
        &held_on(),
    );
}

#[test]
fn a_day_ends() {
    let runs = holds("a_day_ends", &midnight());
    assert!(share(&runs) > 0.75, "only {} was used", share(&runs));
}

#[test]
fn a_day_ends_while_everything_fails() {
    let setup = Setup {
        faults: everything(),
        ..midnight()
    };
    holds("a_day_ends_while_everything_fails", &setup);
}

#[test]
fn a_day_ends_around_failovers() {
    let setup = Setup {
        limits: vec![requests_a_day(60), requests(100, 60)],
        is_synchronous: false,
        faults: Faults {
            failover: 0.005,
            restore: 0.002,
            ..everything()
        },
        ..midnight()
    };
    holds("a_day_ends_around_failovers", &setup);
}

#[test]
fn permits_are_held() {
    let runs = holds("permits_are_held", &held());
    assert!(share(&runs) > 0.8, "only {} was held", share(&runs));
}

/// Every replica gets its part, although whoever gives a permit back asks for it in the same breath.
#[test]
fn replicas_share_the_fewest_permits() {
    for (permits, replicas) in [(1, 2), (2, 2), (4, 2), (10, 3)] {
        let setup = Setup {
            limits: vec![concurrency(permits, 600)],
            runs: 2,
            replicas,
            demand: 8.0 * permits as f64,
            lease_duration: Duration::from_secs(600),
            hold_max: Duration::from_millis(1_000),
            think_max: Duration::from_millis(20),
            max_wait: Duration::from_secs(30),
            length: Duration::from_secs(120),
            silent: 0.0,
            unanswered: 0.0,
            elsewhere: 0.0,
            ..held()
        };
        let name = format!("{permits}_permits_are_shared_by_{replicas}_replicas");
        for (seed, verdict) in holds(&name, &setup) {
            let least = verdict.least_served;
            assert!(
                least >= LEAST_SERVED,
                "{name}, seed {seed}: one of them served {least} of the average"
            );
        }
    }
}

#[test]
fn short_uses_share_few_permits() {
    let setup = Setup {
        limits: vec![concurrency(4, 60)],
        demand: 20.0,
        lease_duration: Duration::from_secs(60),
        hold_max: Duration::from_millis(600),
        think_max: Duration::from_millis(20),
        silent: 0.0,
        ..held()
    };
    let runs = holds("short_uses_share_few_permits", &setup);
    assert!(share(&runs) > 0.7, "only {} was held", share(&runs));
}

#[test]
fn permits_are_held_while_everything_fails() {
    let setup = Setup {
        uses_max: 3,
        faults: Faults {
            clock: 0.02,
            failover: 0.005,
            restore: 0.002,
            reconfigure: 0.02,
            ..everything()
        },
        ..held()
    };
    holds("permits_are_held_while_everything_fails", &setup);
}

#[test]
fn bug_charge_one_day() {
    let setup = Setup {
        bug: Some(Bug::ChargeOneDay),
        ..midnight()
    };
    caught("bug_charge_one_day", &setup);
}

#[test]
fn bug_permit_twice() {
    let setup = Setup {
        bug: Some(Bug::PermitTwice),
        twice: 0.5,
        ..held()
    };
    caught("bug_permit_twice", &setup);
}

#[test]
fn bug_renew_answered_first() {
    let setup = Setup {
        bug: Some(Bug::RenewAnsweredFirst),
        ..held()
    };
    caught("bug_renew_answered_first", &setup);
}

#[test]
fn bug_renewed_for_less() {
    let setup = Setup {
        bug: Some(Bug::RenewedForLess),
        ..held_on()
    };
    caught("bug_renewed_for_less", &setup);
}

#[test]
fn bug_news_too_late() {
    let setup = Setup {
        bug: Some(Bug::NewsTooLate),
        faults: Faults {
            pause: 0.1,
            pause_max: Duration::from_secs(10),
            ..faults()
        },
        ..held()
    };
    caught("bug_news_too_late", &setup);
}
