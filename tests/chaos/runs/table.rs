//! All runs, by name.

use std::time::Duration;

use super::Run;
use crate::caller::{Habits, Manners};
use crate::faults::Fault;
use crate::world::Setup;

/// N, per second of W: three times that is what a small machine can do beside everything else.
const PER_SECOND: u64 = 25;
/// Where all of N must be used in a part of W, also on a machine that is busy with other things.
const PER_SECOND_EASY: u64 = 15;
/// N of an hour: so little that the control uses it up in seconds, so much that little of it can be forgotten where it is paced.
const AN_HOUR: u64 = 640;
/// What is asked for, as a multiple of what there is.
pub(super) const OVERLOAD: u64 = 3;
/// What is used at least of N on a machine that has no time: where it has, `SHARES` say how much it is.
const USED_MIN: f64 = 0.7;

const fn run(name: &'static str, fault: Fault, window: u64) -> Run {
    Run {
        name,
        fault,
        setup: Setup {
            amount: PER_SECOND * window,
            window: Duration::from_secs(window),
            calls: OVERLOAD * PER_SECOND,
            habits: Habits {
                bursts: None,
                is_faithful: false,
                manners: Manners::Mixed,
            },
            latency: Duration::from_millis(50),
            replicas: 3,
            loss_max: "10s",
        },
        is_control: false,
        used_min: 0.0,
        is_short: false,
    }
}

/// Of a window of an hour, which none of it outlasts.
const fn hour(name: &'static str, fault: Fault) -> Run {
    let mut run = run(name, fault, 3_600);
    run.setup.amount = AN_HOUR;
    run
}

const fn short(mut run: Run) -> Run {
    run.is_short = true;
    run
}

const fn easy(mut run: Run) -> Run {
    run.setup.amount = PER_SECOND_EASY * run.setup.window.as_secs();
    run.setup.calls = OVERLOAD * PER_SECOND_EASY;
    run
}

const fn control(mut run: Run) -> Run {
    run.is_control = true;
    run.setup.loss_max = "none";
    run
}

const DEAD: Fault = Fault::Promote {
    replicas_live: false,
};
const LIVE: Fault = Fault::Promote {
    replicas_live: true,
};

/// All of them; the longest first, so that they do not end last.
pub(crate) const RUNS: &[Run] = &[
    run("stop-70s-window-60s", Fault::StopReplicas(&[70_000]), 60),
    run("stop-70s", Fault::StopReplicas(&[70_000]), 4),
    run("stop-30s", Fault::StopReplicas(&[30_000]), 4),
    short(easy(run("promotion", DEAD, 10))),
    short(control(easy(run("promotion-without-freeze", DEAD, 10)))),
    short(run("stop", Fault::StopReplicas(&[500, 1_000, 8_000]), 4)),
    run("promotion-replicas-live", LIVE, 8),
    run("restore", Fault::Restore, 8),
    short(hour(
        "failover-and-restore-window-1h",
        Fault::FailOverAndRestore,
    )),
    control(hour("promotion-window-1h-without-freeze", DEAD)),
    short(run("lose-replies", Fault::LoseReplies, 4)),
    short(run("kill-replicas", Fault::KillReplicas, 4)),
    short(run("kill-postgres", Fault::KillPostgres(1), 4)),
    run("kill-postgres-thrice", Fault::KillPostgres(3), 4),
    run("stop-0.5s", Fault::StopReplicas(&[500; 6]), 4),
    run("stop-2s", Fault::StopReplicas(&[2_000; 6]), 4),
    run("stop-5s", Fault::StopReplicas(&[5_000; 3]), 4),
    run("stop-all-3s", Fault::StopAll(Duration::from_secs(3)), 4),
    run(
        "stop-postgres-3s",
        Fault::StopPostgres(Duration::from_secs(3)),
        4,
    ),
    run(
        "stop-callers-1s",
        Fault::StopCallers(Duration::from_secs(1)),
        4,
    ),
    run(
        "stop-callers-5s",
        Fault::StopCallers(Duration::from_secs(5)),
        4,
    ),
    run("delay", Fault::Delay, 4),
    run("cut", Fault::Cut, 4),
    run("lose-replies-window-1s", Fault::LoseReplies, 1),
    run("rolling-restart", Fault::RollingRestart, 4),
    easy(run("change-amount", Fault::ChangeAmount, 4)),
    run("change-terms", Fault::ChangeTerms, 4),
    Run {
        used_min: USED_MIN,
        ..run("no-fault", Fault::None(3), 4)
    },
];
