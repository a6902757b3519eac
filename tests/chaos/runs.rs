//! The runs by name, and how one of them goes.

use std::time::Duration;

use super::arrivals::{Arrival, Measure, measure};
use super::clock;
use super::division::divided;
use super::faults::Fault;
use super::machine;
use super::world::{Setup, World};

mod shares;
mod table;

pub(crate) use shares::SHARES;
pub(crate) use table::RUNS;

/// A run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    pub(crate) setup: Setup,
    /// Whether the replicas are told, falsely, that nothing is ever lost: then the limit must be passed, or the run sees nothing.
    pub(crate) is_control: bool,
    /// The share of N that must be used, where nothing fails: a ledger that grants too little holds every limit.
    pub(crate) used_min: f64,
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
    /// The same had N been divided among the replicas, where nothing failed.
    pub(crate) divided: Option<f64>,
    /// Calls that were given no lease, and those that were given no answer.
    pub(crate) refused: usize,
    pub(crate) failed: usize,
    /// Until half of N was used again.
    pub(crate) back: Option<Duration>,
    /// Requests that arrived.
    pub(crate) arrived: usize,
    pub(crate) took: Duration,
    /// The part of this time in which something waited for a processor, where the machine knows.
    pub(crate) short: Option<f64>,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

/// How long to go on looking after a standby was promoted: a window of an hour is not waited for.
const WATCHED_ON_MAX: Duration = Duration::from_secs(10);
/// After the callers have ended.
const ON_THE_WAY_MAX: Duration = Duration::from_secs(1);

impl Run {
    /// Runs it.
    pub(crate) async fn go(self) -> Figures {
        let (began, waited) = (clock::now(), machine::waited());
        let mut world = World::start(self.setup).await;
        let since = self.fault.strike(&mut world).await;
        let back = world.back(since, self.starts_when_back()).await;
        tokio::time::sleep(self.watched_on(&world)).await;
        let end = clock::now();
        world.callers.clear();
        // What is on its way arrives, or never will.
        tokio::time::sleep(ON_THE_WAY_MAX).await;
        let arrivals = world.arrivals();
        let asked = world.asked();
        let window = self.setup.window;
        let travel = world.terms().epsilon();
        let measure = measure(&arrivals, window, travel, &world.allowed);
        let divided = self
            .is_faultless()
            .then(|| used(&divided(asked.calls, &self.setup), &world, end));
        let used = used(&arrivals, &world, end);
        let took = clock::now() - began;
        let waited = machine::waited().zip(waited).map(|(to, from)| to - from);
        let figures = Figures {
            run: self,
            measure,
            used,
            divided,
            refused: asked.refused,
            failed: asked.failed,
            back: back.as_ref().ok().copied(),
            arrived: arrivals.len(),
            took,
            short: waited.map(|waited| waited.as_secs_f64() / took.as_secs_f64()),
            failure: self
                .failure(&measure, back.err())
                .or_else(|| self.wasted(used)),
        };
        if figures.failure.is_some() {
            keep(self.name, &world.said());
        }
        figures
    }

    const fn is_faultless(&self) -> bool {
        matches!(self.fault, Fault::None(_))
    }

    /// Of a window that nobody waits for.
    const fn is_long(&self) -> bool {
        matches!(self.fault, Fault::FailOverAndRestore)
    }

    /// How much has to start until service counts as back: half of N, or anything of a window that lasts.
    const fn starts_when_back(&self) -> u64 {
        if self.is_long() {
            1
        } else {
            self.setup.amount / 2
        }
    }

    /// How long to go on looking once service is back.
    fn watched_on(&self, world: &World) -> Duration {
        if matches!(self.fault, Fault::Promote { .. }) {
            // What a standby does not know is given again at once, and ever less of it is in a window.
            return (self.setup.window / 3).min(WATCHED_ON_MAX);
        }
        if self.is_long() {
            // The fault has looked by itself.
            return Duration::ZERO;
        }
        if let Fault::None(windows) = self.fault {
            let end = world.began + self.setup.window * (1 + windows);
            return end.saturating_sub(clock::now());
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

    fn wasted(&self, used: f64) -> Option<String> {
        let wasted = used < self.used_min;
        wasted.then(|| format!("only {:.1} % of the limit was used", used * 100.0))
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
            divided: None,
            refused: 0,
            failed: 0,
            back: None,
            arrived: 0,
            took: Duration::ZERO,
            short: None,
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
