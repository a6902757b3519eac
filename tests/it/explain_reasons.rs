//! Every reason for which a key is not leased, brought about for real, explained, and then refused by LeaseKey.

use keylease::proto::{self, LeaseKeyRequest, Pool, RefusalReason};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::desk::mask;
use crate::harness::judged::{brief, judged_by};
use crate::harness::outcomes::http;
use crate::harness::setup::{MINUTE, of_targets, requests, tokens};

const KEY: &str = "accounts/a/keys/k";

/// A cluster with the pool `p` of the account `a` with one key.
async fn of_one() -> (Cluster, Client, Client) {
    Cluster::serving(&["a"], "*").await
}

fn named(model: &str) -> LeaseKeyRequest {
    LeaseKeyRequest {
        model: model.to_owned(),
        ..of("p")
    }
}

#[tokio::test]
async fn what_people_and_providers_take_out_is_all_told_and_counted_under_what_clears_last() {
    use RefusalReason::{Cooling, Dead, Disabled};
    let (_cluster, admin, caller) = of_one().await;
    admin.trust_callers("p").await;
    let leases = [
        caller.lease("p").await,
        caller.lease("p").await,
        caller.lease("p").await,
    ];
    let model = LeaseKeyRequest { ..named("gpt-4o") };
    let of_model = caller.ask(model.clone()).await.unwrap();
    caller
        .report(&of_model, http(429, &[("retry-after", "60")]))
        .await;
    let (reasons, sentence) = caller.told(&model).await;
    assert_eq!(reasons, [Cooling, Cooling]);
    assert!(
        sentence.starts_with("cooling: accounts/a until 20"),
        "{sentence}"
    );
    caller
        .report(&leases[0], http(429, &[("retry-after", "3600")]))
        .await;
    caller.report(&leases[1], http(401, &[])).await;
    let (reasons, sentence) = caller.told(&of("p")).await;
    assert_eq!(reasons, [Dead, Cooling, Dead]);
    assert!(sentence.contains("rate_limit"), "{sentence}");
    admin.disable_key(KEY).await;
    let disable = proto::DisableAccountRequest {
        name: "accounts/a".to_owned(),
        why: "unpaid".to_owned(),
        until: None,
        ..Default::default()
    };
    admin.admin.clone().disable_account(disable).await.unwrap();
    let (reasons, sentence) = caller.told(&of("p")).await;
    assert_eq!(reasons, [Disabled, Disabled, Disabled, Cooling, Dead]);
    assert_eq!(sentence, "disabled: accounts/a: unpaid");
}

#[tokio::test]
async fn a_dead_key_whose_time_is_over_is_told_as_a_canary_and_then_as_one_that_is_out() {
    let (_cluster, _admin, caller) = judged_by(brief()).await;
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    let (reasons, _) = caller.told(&of("p")).await;
    assert_eq!(reasons, [RefusalReason::Dead, RefusalReason::Dead]);
    let is_over = async || caller.explain(&of("p")).await.keys[0].canary;
    eventually("its time is over", is_over).await;
    let eligible = caller.agrees(&of("p")).await;
    assert!(
        eligible.keys[0].reasons[0].contains("as a canary"),
        "{eligible:#?}"
    );
    let (reasons, sentence) = caller.told(&of("p")).await;
    assert_eq!(reasons, [RefusalReason::Dead, RefusalReason::Dead]);
    assert!(
        sentence.contains("the canary lease that decides is out"),
        "{sentence}"
    );
}

#[tokio::test]
async fn models_sizes_and_costs_that_do_not_fit_are_told() {
    use RefusalReason::{CostRequired, Model, ModelRequired, TooLarge};
    let (_cluster, admin, caller) = of_one().await;
    admin.create_limit("a", tokens(5_000, MINUTE)).await;
    let estimated = LeaseKeyRequest {
        estimate: Some(proto::Estimate {
            input_tokens: 5_001,
            ..Default::default()
        }),
        ..of("p")
    };
    let (reasons, sentence) = caller.told(&estimated).await;
    assert_eq!(reasons, [TooLarge, TooLarge]);
    let expected = "larger than a limit: accounts/a/limits/l5000 allows 5000 tokens in any 1m, and one use needs 5001 by its estimate";
    assert_eq!(sentence, expected);
    let dollars = proto::Limit {
        dimension: proto::LimitDimension::CostMicros.into(),
        ..requests(7_000_000, MINUTE)
    };
    admin.create_limit("a", dollars).await;
    let (reasons, sentence) = caller.told(&named("nobody-knows-its-price")).await;
    assert_eq!(reasons, [CostRequired, CostRequired]);
    assert!(
        sentence.contains("no price is known for model nobody-knows-its-price"),
        "{sentence}"
    );
    assert_eq!(caller.agrees(&named("gpt-4o")).await.chosen, KEY);
    let per_model = proto::Limit {
        models: vec!["gpt-*".to_owned()],
        ..requests(10, MINUTE)
    };
    admin.create_limit("a", per_model).await;
    let (reasons, _) = caller.told(&of("p")).await;
    assert_eq!(reasons, [ModelRequired, ModelRequired]);
    let update = proto::UpdateKeyRequest {
        key: Some(proto::Key {
            name: KEY.to_owned(),
            model_allow: vec!["gpt-*".to_owned()],
            ..Default::default()
        }),
        update_mask: mask(&["model_allow"]),
        ..Default::default()
    };
    admin.admin.clone().update_key(update).await.unwrap();
    let (reasons, sentence) = caller.told(&named("claude")).await;
    assert_eq!(reasons, [Model, Model]);
    assert_eq!(
        sentence,
        "model not served: its patterns do not allow the model"
    );
}

#[tokio::test]
async fn shadows_are_told_and_refuse_nobody() {
    let (_cluster, admin, caller) = of_one().await;
    let shadow = proto::Limit {
        mode: proto::LimitMode::Shadow.into(),
        ..requests(1, MINUTE)
    };
    admin.create_limit("a", shadow).await;
    let first = caller.agrees(&of("p")).await;
    assert!(!first.limits[0].shadow_over, "{first:#?}");
    let is_over = async || {
        let told = caller.agrees(&of("p")).await;
        assert_eq!((told.chosen.as_str(), told.limits.len()), (KEY, 1));
        assert_eq!(told.limits[0].reason(), RefusalReason::Unspecified);
        told.limits[0].shadow_over
    };
    eventually("it would refuse", is_over).await;
}

#[tokio::test]
async fn keys_of_several_tiers_are_counted_together() {
    let (_cluster, admin, caller) = Cluster::serving(&["a", "b", "c"], "*").await;
    let pool = Pool {
        members: vec![
            crate::harness::setup::member("a", 1, 1),
            crate::harness::setup::member("b", 2, 1),
            crate::harness::setup::member("c", 3, 1),
        ],
        ..of_targets(&[])
    };
    admin.create_pool_of("tiers", pool).await;
    for account in ["a", "c"] {
        admin.create_limit(account, requests(1, MINUTE)).await;
    }
    admin.disable_key("accounts/b/keys/k").await;
    for chosen in [KEY, "accounts/c/keys/k", ""] {
        assert_eq!(caller.agrees(&of("tiers")).await.chosen, chosen);
    }
    let told = caller.agrees(&of("tiers")).await;
    let reasons: Vec<_> = told
        .keys
        .iter()
        .map(proto::KeyExplanation::reason)
        .collect();
    let limit = RefusalReason::Limit;
    assert_eq!(reasons, [limit, RefusalReason::Disabled, limit]);
}
