//! What a scenario is made of.

use std::time::Duration;

use keylease::domain::calendar::{Calendar, Period, Zone};
use keylease::domain::limit::Dimension;
use keylease::domain::offline::OfflineShare;
use keylease::domain::terms::Span;

use crate::bugs::Bug;

mod faults;
mod script;

pub(crate) use faults::Faults;
pub(crate) use script::{Act, Odd, Replicas};

/// A scenario. Probabilities of faults are per second, or per message.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Seeds, unless said otherwise.
    pub(crate) runs: u64,
    /// How long each runs.
    pub(crate) length: Duration,
    pub(crate) limits: Vec<Spec>,
    pub(crate) replicas: usize,
    /// Calls a second, over all replicas.
    pub(crate) demand: f64,
    /// Six times the demand at the beginning of each window, a quarter of it after.
    pub(crate) is_bursty: bool,
    /// How long a call waits for permits.
    pub(crate) max_wait: Duration,
    /// A refused caller comes back when it was told to, and nobody else calls until then.
    pub(crate) comes_back: bool,
    /// Uses asked for at once, at most.
    pub(crate) uses_max: u64,
    /// Input tokens of one use, at most.
    pub(crate) tokens_max: u64,
    /// Output tokens of one use, at most; and its cost.
    pub(crate) output_max: u64,
    pub(crate) cost_max: Option<u64>,
    /// The models that calls name; they name none if there is none.
    pub(crate) models: &'static [&'static str],
    /// Calls that need more, and wait a minute for it: their share, and the tokens of each.
    pub(crate) large: Option<(f64, u64)>,
    /// From the lease to the start of the request, at most.
    pub(crate) think_max: Duration,
    /// From the lease to the last moment that it allows, instead.
    pub(crate) starts_last: bool,
    /// From the start to the provider's answer.
    pub(crate) latency: Duration,
    /// How long a lease lasts.
    pub(crate) lease_duration: Duration,
    /// How long a use lasts whose permits are held, at most.
    pub(crate) hold_max: Duration,
    /// How long before midnight it begins.
    pub(crate) before_midnight: Duration,
    /// A standby that takes over lacks nothing, so that limits of long windows need no pace.
    pub(crate) is_synchronous: bool,
    /// Leases that are never reported.
    pub(crate) silent: f64,
    /// Requests that end without an answer.
    pub(crate) unanswered: f64,
    /// Reports that come twice; of these, as many come once more, and so on.
    pub(crate) twice: f64,
    /// How much later such a report may come again.
    pub(crate) late_max: Duration,
    /// Leases that are not used.
    pub(crate) not_sent: f64,
    /// Reports that come to another replica than the one that gave the lease.
    pub(crate) elsewhere: f64,
    /// Calls that name a request id, so that they can be sent again.
    pub(crate) named: f64,
    /// How long a caller waits for an answer before it sends such a call again, at most.
    pub(crate) patience: Duration,
    /// Leases that are said not to be used by callers who then send their call again.
    pub(crate) forsaken: f64,
    /// Batches are reported in parts, with several outcomes each.
    pub(crate) in_parts: bool,
    /// What a use takes of tokens: as much as estimated, or anything up to so many times that.
    pub(crate) takes_max: Option<f64>,
    /// One replica after the other ends and comes back, one every so often.
    pub(crate) rolling: Option<Duration>,
    /// What happens when, over and over again.
    pub(crate) script: Vec<(Duration, Act)>,
    pub(crate) script_every: Duration,
    /// How long a transaction takes for each of its limits, and holds the rows of all.
    pub(crate) lock_time: Duration,
    /// How often it is looked how much is kept.
    pub(crate) watch_every: Option<Duration>,
    pub(crate) faults: Faults,
    pub(crate) bug: Option<Bug>,
}

/// One limit of the account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    pub(crate) dimension: Dimension,
    pub(crate) amount: u64,
    pub(crate) span: Span,
    pub(crate) validity: Option<Duration>,
    pub(crate) start_within: Option<Duration>,
    pub(crate) offline: Option<OfflineShare>,
    /// The patterns of the models that it counts; all if there is none.
    pub(crate) models: &'static [&'static str],
}

/// So many requests in a window.
pub(crate) const fn requests(amount: u64, seconds: u64) -> Spec {
    Spec {
        dimension: Dimension::Requests,
        amount,
        span: Span::Rolling(Duration::from_secs(seconds)),
        validity: None,
        start_within: None,
        offline: None,
        models: &[],
    }
}

/// So many tokens in a window.
pub(crate) const fn tokens(amount: u64, seconds: u64) -> Spec {
    Spec {
        dimension: Dimension::Tokens,
        ..requests(amount, seconds)
    }
}

/// So many requests a day.
pub(crate) fn requests_a_day(amount: u64) -> Spec {
    requests_in(Period::Day, amount)
}

/// So many requests a month.
pub(crate) fn requests_a_month(amount: u64) -> Spec {
    requests_in(Period::Month, amount)
}

fn requests_in(period: Period, amount: u64) -> Spec {
    let zone = Zone::parse("zone", "UTC").unwrap();
    Spec {
        span: Span::Calendar(Calendar { period, zone }),
        ..requests(amount, 1)
    }
}

/// So many requests under way at one time, none for longer than this without being renewed.
pub(crate) const fn concurrency(amount: u64, seconds: u64) -> Spec {
    Spec {
        dimension: Dimension::Concurrency,
        span: Span::Held(Duration::from_secs(seconds)),
        ..requests(amount, seconds)
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            runs: 4,
            length: Duration::from_secs(300),
            limits: vec![requests(100, 60)],
            replicas: 4,
            demand: 5.0,
            is_bursty: true,
            max_wait: Duration::from_secs(5),
            comes_back: false,
            uses_max: 1,
            tokens_max: 2_000,
            output_max: 0,
            cost_max: None,
            models: &[],
            large: None,
            think_max: Duration::from_millis(800),
            starts_last: false,
            latency: Duration::from_millis(300),
            lease_duration: Duration::from_secs(600),
            hold_max: Duration::ZERO,
            before_midnight: Duration::ZERO,
            is_synchronous: false,
            silent: 0.05,
            unanswered: 0.03,
            twice: 0.05,
            late_max: Duration::from_millis(30),
            not_sent: 0.05,
            elsewhere: 0.3,
            named: 0.0,
            patience: Duration::from_secs(1),
            forsaken: 0.0,
            in_parts: false,
            takes_max: None,
            rolling: None,
            script: Vec::new(),
            script_every: Duration::ZERO,
            lock_time: Duration::ZERO,
            watch_every: None,
            faults: Faults {
                pause_max: Duration::from_secs(6),
                slow_max: Duration::from_secs(3),
                outage_max: Duration::from_secs(10),
                ..Faults::default()
            },
            bug: None,
        }
    }
}
