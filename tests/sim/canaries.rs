//! The right to a canary in a simulated fleet: replicas that are paused, killed and late, answers that are lost, and a database clock
//! that steps, but the production code for all that is decided. An oracle that knows only when leases were given says whether two were
//! out at a time.

mod world;

use world::World;

const RUNS: u64 = 40;

/// A bug that is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// The time for giving counts from the answer.
    GiveWithinFromReply,
    /// A right ends by the database's clock alone.
    OneClock,
    /// A right lasts no longer than it may be given.
    NoTimeForReport,
    /// A replica forgets that its canary is out, and calls the right by which it was given ended.
    OutCalledEnded,
}

/// How many canaries were given, and how many while another was out, over all seeds; and in how many of these that was.
fn runs(bug: Option<Bug>) -> (u64, u64, u64) {
    let runs = (0..RUNS).map(|seed| World::new(seed, bug).run());
    runs.fold((0, 0, 0), |(given, together, bad), run| {
        (given + run.0, together + run.1, bad + u64::from(run.1 > 0))
    })
}

#[test]
fn one_canary_is_out_at_a_time_whatever_happens() {
    let (given, together, _) = runs(None);
    println!("canaries: {RUNS} runs, {given} given, {together} while another was out");
    assert_eq!(together, 0);
    assert!(given > RUNS * 20, "the fleet gives canaries: {given}");
}

#[test]
fn every_planted_bug_of_canaries_is_caught() {
    for bug in [
        Bug::GiveWithinFromReply,
        Bug::OneClock,
        Bug::NoTimeForReport,
        Bug::OutCalledEnded,
    ] {
        let (given, together, bad) = runs(Some(bug));
        println!(
            "canaries: {bug:?}: {given} given, {together} while another was out, in {bad} of {RUNS} runs"
        );
        assert!(bad * 2 > RUNS, "{bug:?} was seen in {bad} of {RUNS} runs");
    }
}
