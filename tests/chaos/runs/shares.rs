//! How much of a limit is used while nothing fails and three times as much is wanted: by window, replicas, how long the provider takes, and
//! what callers do. A quarter of all calls stands in line for less than a second, the others do not wait, and no refused call comes back.
//! Where a run does not say otherwise, each call asks any of the replicas, so that all are asked alike.
//!
//! The share is how full the window was on average, by arrivals at the provider, from the end of the first window on and over whole ones.

use std::time::Duration;

use super::Run;
use super::table::OVERLOAD;
use crate::caller::{Habits, Manners};
use crate::faults::Fault;
use crate::world::Setup;

/// W, N, so many windows after the first, and the share of N that is used at least: in short windows less than in simulation, which has all
/// the time that it needs.
const MINUTE: Run = row(60, 240, 3, 0.97);
const TEN_SECONDS: Run = row(10, 120, 6, 0.92);
const SECOND: Run = row(1, 24, 40, 0.75);

const fn row(window: u64, amount: u64, windows: u32, used_min: f64) -> Run {
    Run {
        name: "",
        fault: Fault::None(windows),
        setup: Setup {
            amount,
            window: Duration::from_secs(window),
            calls: OVERLOAD * amount / window,
            habits: Habits {
                bursts: None,
                is_faithful: false,
                manners: Manners::Prompt,
            },
            latency: Duration::from_millis(300),
            replicas: 1,
            loss_max: "10s",
        },
        is_control: false,
        used_min,
        is_short: false,
    }
}

const fn on(replicas: usize, name: &'static str, mut run: Run) -> Run {
    run.name = name;
    run.setup.replicas = replicas;
    run
}

const fn slow(mut run: Run) -> Run {
    run.setup.latency = Duration::from_secs(5);
    run
}

const fn silent(mut run: Run) -> Run {
    run.setup.habits.manners = Manners::Silent;
    // Of at most W / C: 93.6 %. Each of three windows begins with what is lacking of that.
    run.used_min = 0.92;
    run
}

const fn bursty(mut run: Run) -> Run {
    run.setup.habits.bursts = Some(run.setup.window);
    run
}

/// Every caller stays with one replica, so that most of eight are not asked.
const fn faithful(mut run: Run) -> Run {
    run.setup.habits.is_faithful = true;
    run
}

/// All of them; those of short windows last, when not so many others are being set up.
pub(crate) const SHARES: &[Run] = &[
    on(8, "share-60s-8", MINUTE),
    on(8, "share-60s-8-answers-5s", slow(MINUTE)),
    on(8, "share-60s-8-silent", silent(MINUTE)),
    on(8, "share-60s-8-silent-answers-5s", slow(silent(MINUTE))),
    on(8, "share-60s-8-faithful", faithful(MINUTE)),
    on(3, "share-60s-3", MINUTE),
    on(3, "share-60s-3-answers-5s", slow(MINUTE)),
    on(3, "share-60s-3-silent", silent(MINUTE)),
    on(3, "share-60s-3-silent-answers-5s", slow(silent(MINUTE))),
    on(3, "share-60s-3-bursts", bursty(MINUTE)),
    on(1, "share-60s-1", MINUTE),
    on(1, "share-60s-1-answers-5s", slow(MINUTE)),
    on(1, "share-60s-1-silent", silent(MINUTE)),
    on(1, "share-60s-1-silent-answers-5s", slow(silent(MINUTE))),
    on(8, "share-10s-8", TEN_SECONDS),
    on(3, "share-10s-3", TEN_SECONDS),
    on(1, "share-10s-1", TEN_SECONDS),
    on(8, "share-1s-8", SECOND),
    on(3, "share-1s-3", SECOND),
    on(1, "share-1s-1", SECOND),
];
