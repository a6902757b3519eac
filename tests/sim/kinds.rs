//! Every kind of limit, several of them at a time: models that share a budget, outputs and costs, months, and shadows that are enforced.

use std::time::Duration;

use keylease::domain::limit::{Dimension, Mode};

use crate::holds;
use crate::oracle::Verdict;
use crate::scenarios::{everything, faults};
use crate::setup::{Act, Faults, Setup, Spec, requests, requests_a_month, tokens};
use crate::spans::midnight;

/// Every seed holds the limits, and has one of them this full.
fn fills(name: &str, least: f64, setup: &Setup) {
    let runs = holds(name, setup);
    let is_full = |(_, verdict): &&(u64, Verdict)| verdict.worst > least;
    let full = runs.iter().filter(is_full).count();
    assert_eq!(full, runs.len(), "{name}: no limit was ever {least} full");
}

/// Some for all models, one for the two of a family together, one for others.
fn families(faults: Faults) -> Setup {
    let of_models = |models, spec| Spec { models, ..spec };
    Setup {
        limits: vec![
            requests(60, 10),
            of_models(&["gpt-4*"], requests(20, 10)),
            of_models(&["o1", "gpt-4o"], tokens(20_000, 10)),
        ],
        models: &["gpt-4", "gpt-4o", "o1", "other"],
        demand: 12.0,
        is_bursty: false,
        faults,
        ..Setup::default()
    }
}

#[test]
fn models_share_budgets() {
    fills("models_share_budgets", 0.8, &families(faults()));
}

#[test]
fn models_share_budgets_amid_everything() {
    holds(
        "models_share_budgets_amid_everything",
        &families(everything()),
    );
}

/// What goes in, what comes out and what it costs, each with a limit.
fn measured(faults: Faults) -> Setup {
    let of = |dimension, amount| Spec {
        dimension,
        ..requests(amount, 10)
    };
    Setup {
        limits: vec![
            of(Dimension::InputTokens, 30_000),
            of(Dimension::OutputTokens, 10_000),
            of(Dimension::CostMicros, 50_000),
        ],
        output_max: 1_000,
        cost_max: Some(5_000),
        demand: 10.0,
        is_bursty: false,
        uses_max: 3,
        faults,
        ..Setup::default()
    }
}

#[test]
fn inputs_outputs_and_costs_are_limited() {
    fills(
        "inputs_outputs_and_costs_are_limited",
        0.8,
        &measured(faults()),
    );
}

#[test]
fn inputs_outputs_and_costs_are_limited_amid_everything() {
    let name = "inputs_outputs_and_costs_are_limited_amid_everything";
    holds(name, &measured(everything()));
}

/// A minute before a month ends that was not used up.
#[test]
fn a_month_ends() {
    let setup = Setup {
        limits: vec![requests_a_month(400)],
        ..midnight()
    };
    fills("a_month_ends", 0.6, &setup);
}

/// It counts alone for half a minute, refuses for the next, and so on, while twice as much is wanted.
fn enforced(amount: u64, seconds: u64, think_ms: u64) -> Setup {
    Setup {
        length: Duration::from_secs(235),
        limits: vec![requests(amount, seconds)],
        demand: 2.0 * amount as f64 / seconds as f64,
        is_bursty: false,
        silent: 0.0,
        // What a shadow leaves them: much longer than the limit would.
        think_max: Duration::from_millis(think_ms),
        script: vec![
            (Duration::from_secs(10), Act::Mode(Mode::Shadow)),
            (Duration::from_secs(40), Act::Mode(Mode::Enforce)),
        ],
        script_every: Duration::from_secs(60),
        ..Setup::default()
    }
}

#[test]
fn a_shadow_that_is_enforced_binds() {
    for (amount, seconds, think_ms) in [(100, 10, 3_000), (10, 1, 200)] {
        let name = format!("a_shadow_of_{seconds}_s_that_is_enforced_binds");
        fills(&name, 0.5, &enforced(amount, seconds, think_ms));
    }
}
