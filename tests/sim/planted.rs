//! Planted bugs: each must be seen.

use std::time::Duration;

use crate::bugs::Bug;
use crate::caught;
use crate::clocks::ends_early;
use crate::scenarios::{faults, late, with};
use crate::setup::{Faults, Setup, requests};

fn bug(name: &str, bug: Bug, setup: Setup) {
    caught(
        name,
        &Setup {
            bug: Some(bug),
            ..setup
        },
    );
}

/// All of a small limit is wanted, all the time, and used at the last moment.
fn pressed() -> Setup {
    Setup {
        limits: vec![requests(100, 10)],
        demand: 60.0,
        think_max: Duration::from_millis(990),
        runs: 5,
        ..Setup::default()
    }
}

#[test]
fn bug_validity_from_reply() {
    bug("bug_validity_from_reply", Bug::ValidityFromReply, late());
}

#[test]
fn bug_start_within_from_reply() {
    let setup = Setup {
        faults: Faults {
            slow_lease: 0.5,
            slow_max: Duration::from_secs(20),
            ..faults()
        },
        ..pressed()
    };
    bug(
        "bug_start_within_from_reply",
        Bug::StartWithinFromReply,
        setup,
    );
}

#[test]
fn bug_charge_for_window_only() {
    bug(
        "bug_charge_for_window_only",
        Bug::ChargeForWindowOnly,
        pressed(),
    );
}

#[test]
fn bug_grant_without_guard() {
    bug("bug_grant_without_guard", Bug::GrantWithoutGuard, pressed());
}

#[test]
fn bug_no_freeze() {
    let setup = Setup {
        faults: Faults {
            failover: 0.05,
            ..faults()
        },
        ..pressed()
    };
    bug("bug_no_freeze", Bug::NoFreeze, setup);
}

/// A dump is restored over the database that goes on.
#[test]
fn bug_no_freeze_after_a_restore() {
    let mut setup = pressed();
    setup.faults.restore = 0.05;
    bug("bug_no_freeze_after_a_restore", Bug::NoFreeze, setup);
}

/// Its disk is, which nothing tells but what was granted since.
#[test]
fn bug_no_freeze_after_a_disk_was_set_back() {
    let mut setup = pressed();
    setup.faults.set_back = 0.05;
    bug("bug_no_freeze_after_set_back", Bug::NoFreeze, setup);
}

#[test]
fn bug_read_before_lock() {
    bug("bug_read_before_lock", Bug::ReadBeforeLock, pressed());
}

#[test]
fn bug_one_clock() {
    let faults = Faults {
        clock: 0.08,
        ..faults()
    };
    bug("bug_one_clock", Bug::OneClock, with(faults));
}

/// It sees steps, but none of those there and back between two looks, no slew, and nothing if it is new.
#[test]
fn bug_freeze_on_step() {
    let setup = Setup {
        faults: Faults {
            clock: 0.1,
            crash: 0.05,
            ..faults()
        },
        ..pressed()
    };
    ends_early("bug_freeze_on_step", Bug::FreezeOnStep, setup);
}

#[test]
fn bug_permit_after_expiry() {
    let setup = Setup {
        demand: 11.0,
        silent: 1.0,
        // One run in eight sees it.
        runs: 40,
        ..pressed()
    };
    bug("bug_permit_after_expiry", Bug::PermitAfterExpiry, setup);
}

#[test]
fn bug_refund_twice() {
    let setup = Setup {
        not_sent: 0.2,
        twice: 0.5,
        ..pressed()
    };
    bug("bug_refund_twice", Bug::RefundTwice, setup);
}

#[test]
fn bug_end_open_block() {
    // Reports come while their blocks are open still.
    let setup = Setup {
        latency: Duration::from_millis(5),
        runs: 7,
        ..pressed()
    };
    bug("bug_end_open_block", Bug::EndOpenBlock, setup);
}

#[test]
fn bug_count_reports() {
    let setup = Setup {
        runs: 10,
        twice: 0.9,
        replicas: 1,
        latency: Duration::from_millis(5),
        silent: 0.3,
        ..pressed()
    };
    bug("bug_count_reports", Bug::CountReports, setup);
}

#[test]
fn bug_end_unanswered() {
    let setup = Setup {
        unanswered: 0.5,
        ..pressed()
    };
    bug("bug_end_unanswered", Bug::EndUnanswered, setup);
}

#[test]
fn bug_end_silent() {
    bug("bug_end_silent", Bug::EndSilent, pressed());
}

#[test]
fn bug_start_at_call() {
    bug("bug_start_at_call", Bug::StartAtCall, pressed());
}
