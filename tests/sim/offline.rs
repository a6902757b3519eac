//! Offline shares: outages of the database that are served through, by slots that change hands and shares that change.

use std::time::Duration;

use keylease::domain::offline::OfflineShare;

use crate::bugs::Bug;
use crate::oracle::Verdict;
use crate::scenarios::faults;
use crate::setup::{Faults, Setup, Spec, requests, tokens};
use crate::{caught, holds};

mod changing;

fn shared(spec: Spec) -> Spec {
    Spec {
        offline: Some(OfflineShare {
            percent: 50,
            slots: 4,
            outage_max: Duration::from_secs(10),
        }),
        ..spec
    }
}

/// More is wanted than there is, all the time, and used at the last moment; replicas lose sight of the database for longer than they
/// may serve.
fn away() -> Setup {
    Setup {
        runs: 4,
        limits: vec![shared(requests(100, 10))],
        demand: 14.0,
        is_bursty: false,
        think_max: Duration::from_millis(990),
        faults: Faults {
            cut_off: 0.02,
            cut_off_max: Duration::from_secs(30),
            outage: 0.02,
            outage_max: Duration::from_secs(15),
            ..faults()
        },
        ..Setup::default()
    }
}

fn everything() -> Faults {
    Faults {
        crash: 0.01,
        pause: 0.02,
        pause_max: Duration::from_secs(25),
        slow_database: 0.1,
        lost_reply: 0.05,
        slow_lease: 0.1,
        clock: 0.02,
        ..away().faults
    }
}

/// Every limit is kept, and so much is served from slots in each run.
fn serves(name: &str, setup: &Setup, least: u64) {
    let runs = holds(name, setup);
    let served: u64 = runs
        .iter()
        .map(|(_, verdict): &(u64, Verdict)| verdict.offline)
        .sum();
    let served = served / runs.len() as u64;
    println!("{name}: {served} units were served from slots");
    assert!(
        served >= least,
        "{name}: only {served} units were served from slots"
    );
}

#[test]
fn outages_are_served_through() {
    serves("outages_are_served_through", &away(), 200);
}

#[test]
fn slots_change_hands_while_everything_fails() {
    let setup = Setup {
        faults: everything(),
        ..away()
    };
    serves("slots_change_hands_while_everything_fails", &setup, 50);
}

#[test]
fn slots_are_lost_in_failovers_and_restores() {
    let setup = Setup {
        faults: Faults {
            failover: 0.01,
            restore: 0.003,
            set_back: 0.003,
            ..everything()
        },
        ..away()
    };
    serves("slots_are_lost_in_failovers_and_restores", &setup, 10);
}

#[test]
fn several_limits_are_served_or_none() {
    let setup = Setup {
        limits: vec![shared(requests(100, 10)), shared(tokens(60_000, 20))],
        uses_max: 3,
        faults: everything(),
        ..away()
    };
    serves("several_limits_are_served_or_none", &setup, 50);
}

/// One slot for all: a replica that lost sight of the database serves from it, then the database goes and another has it.
fn comings() -> Setup {
    let mut limit = shared(requests(100, 10));
    limit.offline = limit
        .offline
        .map(|share| OfflineShare { slots: 1, ..share });
    Setup {
        runs: 8,
        limits: vec![limit],
        replicas: 3,
        demand: 30.0,
        faults: Faults {
            crash: 0.004,
            cut_off: 0.06,
            cut_off_max: Duration::from_secs(12),
            outage: 0.05,
            outage_max: Duration::from_secs(8),
            ..faults()
        },
        ..away()
    }
}

#[test]
fn replicas_come_and_go() {
    serves("replicas_come_and_go", &comings(), 20);
}

#[test]
fn bug_slot_taken_at_once() {
    let setup = Setup {
        bug: Some(Bug::SlotTakenAtOnce),
        ..comings()
    };
    caught("bug_slot_taken_at_once", &setup);
}

/// Shares are changed while some replicas do not hear of it, and the database goes away when the others have.
fn changes() -> Setup {
    Setup {
        runs: 10,
        demand: 30.0,
        replicas: 2,
        faults: Faults {
            reshare: 0.04,
            ..faults()
        },
        ..away()
    }
}

#[test]
fn shares_change() {
    serves("shares_change", &changes(), 10);
}

#[test]
fn shares_change_while_everything_fails() {
    let setup = Setup {
        faults: Faults {
            reshare: 0.02,
            failover: 0.005,
            ..everything()
        },
        ..away()
    };
    serves("shares_change_while_everything_fails", &setup, 5);
}
