//! Whatever state keys, accounts and limits are in, LeaseKey does what is explained: tried in many of them, one after the other.

use keylease::proto::{self, LeaseKeyRequest, Pool, RefusalReason};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::harness::client::{Client, of};
use crate::harness::cluster::Cluster;
use crate::harness::outcomes::http;
use crate::harness::setup::{MINUTE, member, requests, tokens};

const ACCOUNTS: [&str; 4] = ["a", "b", "c", "d"];

/// One thing that happens to the accounts and keys of a pool.
#[derive(Debug, Clone, Copy)]
enum Step {
    Disable,
    Enable,
    DisableAccount,
    EnableAccount,
    /// The next lease is reported so.
    Report(i32),
    ClearHealth,
    Lease,
}

/// What happens how often: what ends something more often than what begins it, so that there is always something left.
const STEPS: [Step; 16] = [
    Step::Disable,
    Step::Enable,
    Step::Enable,
    Step::Enable,
    Step::DisableAccount,
    Step::EnableAccount,
    Step::EnableAccount,
    Step::EnableAccount,
    Step::Report(401),
    Step::Report(401),
    Step::Report(429),
    Step::Report(500),
    Step::ClearHealth,
    Step::ClearHealth,
    Step::Lease,
    Step::Lease,
];

fn steps() -> impl Strategy<Value = Vec<(Step, usize)>> {
    let step = proptest::sample::select(&STEPS[..]);
    proptest::collection::vec((step, 0..ACCOUNTS.len()), 200)
}

/// The calls that are tried: with and without a model, small and large.
fn calls() -> Vec<LeaseKeyRequest> {
    let mut calls = Vec::new();
    for model in ["", "gpt-4o", "claude"] {
        for input_tokens in [0, 700, 2_000] {
            let estimate = (input_tokens > 0).then_some(proto::Estimate {
                input_tokens,
                ..Default::default()
            });
            calls.push(LeaseKeyRequest {
                model: model.to_owned(),
                estimate,
                ..of("p")
            });
        }
    }
    calls
}

async fn take(step: Step, at: usize, admin: &Client, caller: &Client) {
    let mut service = admin.admin.clone();
    let account = format!("accounts/{}", ACCOUNTS[at]);
    let key = format!("{account}/keys/k");
    match step {
        Step::Disable => admin.disable_key(&key).await,
        Step::Enable => {
            let request = proto::EnableKeyRequest {
                name: key,
                ..Default::default()
            };
            service.enable_key(request).await.unwrap();
        }
        Step::DisableAccount => {
            let request = proto::DisableAccountRequest {
                name: account,
                why: "unpaid".to_owned(),
                ..Default::default()
            };
            service.disable_account(request).await.unwrap();
        }
        Step::EnableAccount => {
            let request = proto::EnableAccountRequest {
                name: account,
                ..Default::default()
            };
            service.enable_account(request).await.unwrap();
        }
        Step::Report(status) => {
            // Of a model that the fewest limits are of, so that there is mostly something to report on.
            if let Ok(lease) = caller.ask(calls()[7].clone()).await {
                caller.report(&lease, http(status, &[])).await;
            }
        }
        Step::ClearHealth => {
            for name in [key, account] {
                let request = proto::ClearHealthRequest {
                    name,
                    ..Default::default()
                };
                service.clear_health(request).await.unwrap();
            }
        }
        Step::Lease => {
            let _ = caller.ask(calls()[3].clone()).await;
        }
    }
}

/// Two tiers: `a` has a limit per model, `b` one of tokens that some calls pass, `c` serves some models alone, `d` has a few requests.
async fn of_all_kinds() -> (Cluster, Client, Client) {
    let (cluster, admin, caller) = Cluster::serving(&ACCOUNTS, "*").await;
    let per_model = proto::Limit {
        models: vec!["gpt-*".to_owned()],
        ..requests(30, MINUTE * 60)
    };
    admin.create_limit("a", per_model).await;
    for limit in [tokens(20_000, MINUTE * 60), tokens(1_500, MINUTE * 30)] {
        admin.create_limit("b", limit).await;
    }
    admin.create_limit("d", requests(20, MINUTE * 60)).await;
    let update = proto::UpdateKeyRequest {
        key: Some(proto::Key {
            name: "accounts/c/keys/k".to_owned(),
            model_deny: vec!["gpt-*".to_owned()],
            ..Default::default()
        }),
        update_mask: crate::harness::desk::mask(&["model_deny"]),
        ..Default::default()
    };
    admin.admin.clone().update_key(update).await.unwrap();
    let members = [("a", 1), ("b", 1), ("c", 2), ("d", 2)];
    let pool = Pool {
        members: members
            .map(|(account, tier)| member(account, tier, 1))
            .into(),
        ..Default::default()
    };
    let update = proto::UpdatePoolRequest {
        pool: Some(Pool {
            name: "pools/p".to_owned(),
            ..pool
        }),
        update_mask: crate::harness::desk::mask(&["members"]),
        ..Default::default()
    };
    admin.admin.clone().update_pool(update).await.unwrap();
    (cluster, admin, caller)
}

#[tokio::test]
async fn whatever_happened_a_lease_is_given_or_refused_as_explained() {
    let (_cluster, admin, caller) = of_all_kinds().await;
    let calls = calls();
    let mut runner = TestRunner::deterministic();
    let mut met = std::collections::BTreeSet::new();
    let mut refused = 0;
    let steps = steps().new_tree(&mut runner).unwrap().current();
    for (round, (step, at)) in steps.into_iter().enumerate() {
        take(step, at, &admin, &caller).await;
        let call = &calls[round % calls.len()];
        let told = caller.agrees(call).await;
        refused += u32::from(told.chosen.is_empty());
        met.extend(told.keys.iter().map(|key| key.reason() as i32));
    }
    // It was worth it: many were refused, and for most reasons that such a pool can have.
    assert!(refused > 20, "{refused}");
    use RefusalReason::{Cooling, Dead, Disabled, Limit, Model, ModelRequired, TooLarge};
    for reason in [
        Cooling,
        Dead,
        Disabled,
        Limit,
        Model,
        ModelRequired,
        TooLarge,
    ] {
        assert!(
            met.contains(&(reason as i32)),
            "{reason:?} was never met: {met:?}"
        );
    }
}
