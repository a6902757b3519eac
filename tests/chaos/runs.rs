//! The runs by name, and how one of them goes.

use std::time::Duration;

use super::arrivals::{Arrival, Measure, measure};
use super::clock;
use super::faults::Fault;
use super::world::{Setup, World};

/// A run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    /// W.
    pub(crate) window: Duration,
    /// Whether the replicas are told, falsely, that nothing is ever lost: then the limit must be passed, or the run sees nothing.
    pub(crate) is_control: bool,
    /// N, per second of W.
    pub(crate) per_second: u64,
    /// Whether it is part of the short selection.
    pub(crate) is_short: bool,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) run: Run,
    pub(crate) measure: Measure,
    /// How full the window was on average, as a share of N, under the whole load but in its first window.
    pub(crate) used: f64,
    /// Until half of N was used again.
    pub(crate) back: Option<Duration>,
    /// Requests that arrived.
    pub(crate) arrived: usize,
    pub(crate) took: Duration,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

/// N, per second of W: three times that is what a small machine can do beside everything else.
const PER_SECOND: u64 = 25;
/// Where all of N must be used in a part of W, also on a machine that is busy with other things.
const PER_SECOND_EASY: u64 = 15;
/// After the callers have ended.
const ON_THE_WAY_MAX: Duration = Duration::from_secs(1);

const fn run(name: &'static str, fault: Fault, window: u64) -> Run {
    Run {
        name,
        fault,
        window: Duration::from_secs(window),
        is_control: false,
        per_second: PER_SECOND,
        is_short: false,
    }
}

const fn short(run: Run) -> Run {
    Run {
        is_short: true,
        ..run
    }
}

const fn easy(run: Run) -> Run {
    Run {
        per_second: PER_SECOND_EASY,
        ..run
    }
}

const fn control(run: Run) -> Run {
    Run {
        is_control: true,
        ..run
    }
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
    run("no-fault", Fault::None, 4),
];

impl Run {
    fn setup(&self) -> Setup {
        Setup {
            amount: self.per_second * self.window.as_secs(),
            window: self.window,
            loss_max: if self.is_control { "none" } else { "10s" },
        }
    }

    /// Runs it.
    pub(crate) async fn go(self) -> Figures {
        let began = clock::now();
        let mut world = World::start(self.setup()).await;
        let since = self.fault.strike(&mut world).await;
        let back = world.back(since).await;
        tokio::time::sleep(self.watched_on(&world)).await;
        let end = clock::now();
        world.callers.clear();
        // What is on its way arrives, or never will.
        tokio::time::sleep(ON_THE_WAY_MAX).await;
        let arrivals = world.arrivals();
        let window = self.window;
        let travel = world.terms().epsilon();
        let measure = measure(&arrivals, window, travel, &world.allowed);
        let figures = Figures {
            run: self,
            measure,
            used: used(&arrivals, &world, end),
            back: back.as_ref().ok().copied(),
            arrived: arrivals.len(),
            took: clock::now() - began,
            failure: self.failure(&measure, back.err()),
        };
        if figures.failure.is_some() {
            keep(self.name, &world.said());
        }
        figures
    }

    /// How long to go on looking once service is back.
    fn watched_on(&self, world: &World) -> Duration {
        if matches!(self.fault, Fault::Promote { .. }) {
            // What a standby does not know is given again at once, and ever less of it is in a window.
            return self.window / 3;
        }
        // What is returned twice, or for somebody else, shows within a charge time.
        world.terms().charge_time()
    }

    fn failure(&self, measure: &Measure, not_back: Option<String>) -> Option<String> {
        let worst = measure.worst.max(measure.worst_started);
        if self.is_control {
            let blind = worst <= 1.0;
            return blind.then(|| "the limit was not passed: the run sees nothing".to_owned());
        }
        let over = worst > 1.0;
        let over = over.then(|| format!("the limit was passed: {worst:.3} of it in one window"));
        over.or(not_back)
    }
}

impl Figures {
    /// In a word or two.
    pub(crate) fn result(&self) -> &'static str {
        match &self.failure {
            Some(_) => "FAILED",
            None if self.run.is_control => "passed N, as it must",
            None => "held",
        }
    }

    /// Of a run that broke off.
    pub(crate) fn broken(run: Run, why: &str) -> Self {
        Self {
            run,
            measure: Measure::default(),
            used: 0.0,
            back: None,
            arrived: 0,
            took: Duration::ZERO,
            failure: Some(why.to_owned()),
        }
    }
}

/// How full the window was on average, from the end of the load's first window on, if it went on for longer.
fn used(arrivals: &[Arrival], world: &World, to: Duration) -> f64 {
    let window = world.setup.window;
    let steady = world.began + window;
    let from = if steady < to { steady } else { world.began };
    let full = world.setup.amount as f64 * (to - from).as_secs_f64();
    let counted = arrivals.iter().map(|arrival| {
        // It is in every window that ends in the length of one from here.
        let counted = (arrival.at + window)
            .min(to)
            .saturating_sub(arrival.at.max(from));
        counted.as_secs_f64()
    });
    counted.sum::<f64>() / full
}

/// Keeps what the replicas of a failed run have said.
fn keep(name: &str, said: &str) {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{name}.log"));
    std::fs::write(file, said).unwrap();
}
