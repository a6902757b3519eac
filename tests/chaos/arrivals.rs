//! The measure: what reached the provider, and the most of it in any window. It knows nothing of blocks, charges or leases.

use std::time::{Duration, Instant};

use stand_in::BusiestWindow;

/// A request as the provider saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When it was there, by the provider's clock.
    pub(crate) at: Duration,
    /// When its first byte was sent, as its caller says.
    pub(crate) started: Duration,
}

/// What a limit allowed from some moment on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    /// For windows that end at or after this.
    pub(crate) from: Duration,
    /// N.
    pub(crate) amount: u64,
}

/// What came of all arrivals.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measure {
    /// The most in any window, as a share of what was allowed then.
    pub(crate) worst: f64,
    /// The same by when requests were started: exact, whatever the machine delayed.
    pub(crate) worst_started: f64,
    /// Arrivals that took longer to arrive than the vault allows for.
    pub(crate) late: usize,
}

/// The worst window of length `window`. The vault allows a request `travel` from its start to its arrival: what the machine held up for
/// longer than that counts as if it had come just in time, since the vault can promise nothing about it.
pub(crate) fn measure(
    arrivals: &[Arrival],
    window: Duration,
    travel: Duration,
    allowed: &[Allowed],
) -> Measure {
    let in_time = arrivals.iter().map(|a| a.at.min(a.started + travel));
    let started = arrivals.iter().map(|a| a.started);
    let late = arrivals.iter().filter(|a| a.at > a.started + travel);
    Measure {
        worst: worst(in_time.collect(), window, allowed),
        worst_started: worst(started.collect(), window, allowed),
        late: late.count(),
    }
}

/// For each moment `t` the count in `(t - window, t]`, as a share of what is allowed at `t`.
fn worst(mut moments: Vec<Duration>, window: Duration, allowed: &[Allowed]) -> f64 {
    moments.sort_unstable();
    let (mut first, mut most, mut share) = (0, 0, 0.0_f64);
    for (last, at) in moments.iter().enumerate() {
        while *at - moments[first] >= window {
            first += 1;
        }
        let count = last - first + 1;
        let amount = allowed.iter().rfind(|allowed| allowed.from <= *at);
        most = most.max(count);
        share = share.max(count as f64 / amount.unwrap().amount as f64);
    }
    assert_eq!(
        most as u64,
        busiest(&moments, window),
        "two measures differ"
    );
    share
}

/// The same by the stand-in provider's own measure, which is tested against trying every window.
fn busiest(moments: &[Duration], window: Duration) -> u64 {
    let began = Instant::now();
    let mut measure = BusiestWindow::new(window);
    for at in moments {
        measure.note(began + (*at - moments[0]), 1);
    }
    assert!(measure.is_exact());
    measure.busiest()
}
