//! A day of churn: keys and accounts come, rotate, die and go, models, callers and replicas come and go, and what a replica remembers at
//! the end is as much as it was after the first hours. Time is simulated, what remembers is production code, and every byte is counted.

mod did;
mod fleet;
mod granting;
mod reporting;
mod rows;
mod traffic;

use std::time::Duration;

use fleet::Fleet;

const HOUR: Duration = Duration::from_hours(1);
/// How often the configuration changes, and is read.
const CHANGE_EVERY: Duration = Duration::from_mins(5);

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Extent {
    accounts: usize,
    /// Of each account.
    keys: u64,
    pools: usize,
    /// Leases in a second.
    leases: u32,
    length: Duration,
    /// How often memory is looked at.
    watch_every: Duration,
}

/// The most that was held in the last quarter is hardly more than in the second one: in the first, what is kept for a while fills up.
fn runs(extent: Extent, noise: f64) {
    let mut fleet = None;
    let filled = allocation_counter::measure(|| fleet = Some(Fleet::new(extent)));
    let mut fleet = fleet.unwrap();
    let (mut held, mut kept) = (filled.bytes_current, Vec::new());
    let stretches = extent.length.as_secs() / extent.watch_every.as_secs();
    for _ in 0..stretches {
        let more = allocation_counter::measure(|| fleet.runs(extent.watch_every));
        held += more.bytes_current;
        kept.push(held);
    }
    println!(
        "{:?}, {} bytes at first, then {kept:?}",
        fleet.did, filled.bytes_current
    );
    fleet.did.everything();
    let quarter = kept.len() / 4;
    let most = |quarters: &[i64]| *quarters.iter().max().unwrap();
    let (early, late) = (
        most(&kept[quarter..quarter * 2]),
        most(&kept[quarter * 3..]),
    );
    assert!(
        late as f64 <= early as f64 * noise,
        "{late} bytes are held in the last quarter, {early} in the second"
    );
}

#[test]
fn some_hours_of_churn() {
    let extent = Extent {
        accounts: 10,
        keys: 200,
        pools: 5,
        leases: 1,
        length: HOUR * 8,
        watch_every: HOUR / 4,
    };
    // Tables with a bound, such as those of cooldowns by model, are still filling up, and one may double.
    runs(extent, 1.1);
}

#[test]
#[ignore = "takes minutes unless it is optimised: see CONTRIBUTING.md"]
fn a_day_of_churn() {
    let extent = Extent {
        accounts: 100,
        keys: 1_000,
        pools: 50,
        leases: 23,
        length: HOUR * 24,
        watch_every: HOUR,
    };
    runs(extent, 1.05);
}
