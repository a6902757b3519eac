//! Offline shares that change in an order that tells.

use super::*;
use crate::setup::Act;

/// Once a minute the share changes: by a script, since only what comes in this order tells.
fn scripted(script: &[(u64, Act)]) -> Setup {
    let script = script.iter();
    Setup {
        script: script
            .map(|(second, act)| (Duration::from_secs(*second), *act))
            .collect(),
        script_every: Duration::from_secs(60),
        replicas: 2,
        demand: 30.0,
        faults: faults(),
        ..away()
    }
}

/// A replica that cannot hear of it when the share is made nothing serves by the larger one.
fn lowered() -> Setup {
    let share = shared(requests(100, 10)).offline;
    scripted(&[
        (20, Act::CutOff(0, Duration::from_secs(15))),
        (21, Act::Share(None)),
        (40, Act::Share(share)),
    ])
}

/// The share goes, all of the limit is granted, and the database goes away when the same share has just come back.
fn restored() -> Setup {
    let share = shared(requests(100, 10)).offline;
    scripted(&[
        (15, Act::Share(None)),
        (45, Act::Share(share)),
        (47, Act::Outage(Duration::from_secs(8))),
    ])
}

/// The database goes away when replicas have just heard of a share, and all of the limit was granted until then.
fn raised() -> Setup {
    let share = |percent| {
        let outage_max = Duration::from_secs(10);
        Act::Share(Some(OfflineShare {
            percent,
            slots: 2,
            outage_max,
        }))
    };
    let setup = scripted(&[
        (1, share(10)),
        (35, share(90)),
        (37, Act::Outage(Duration::from_secs(8))),
    ]);
    // The bursts in which all of it is used come sooner or later.
    Setup {
        script_every: Duration::from_secs(49),
        ..setup
    }
}

#[test]
fn a_share_is_lowered() {
    serves("a_share_is_lowered", &lowered(), 10);
}

#[test]
fn a_share_is_restored() {
    serves("a_share_is_restored", &restored(), 0);
}

#[test]
fn a_share_is_raised() {
    serves("a_share_is_raised", &raised(), 0);
}

#[test]
fn bug_share_served_at_once() {
    let setup = Setup {
        bug: Some(Bug::ShareServedAtOnce),
        ..raised()
    };
    caught("bug_share_served_at_once", &setup);
}

#[test]
fn bug_share_lowered_at_once() {
    let setup = Setup {
        bug: Some(Bug::ShareLoweredAtOnce),
        ..lowered()
    };
    caught("bug_share_lowered_at_once", &setup);
}
