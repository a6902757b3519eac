//! Every reason for which a key is not leased, brought about for real, explained, and then refused by LeaseKey.

use std::time::Duration;

use keylease::proto::{self, ErrorReason, LeaseKeyRequest, Pool, RefusalReason};

use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::desk::mask;
use crate::harness::explained::of_key;
use crate::harness::judged::{brief, judged_by};
use crate::harness::outcomes::http;
use crate::harness::raided::Raided;
use crate::harness::setup::{MINUTE, of_targets, requests, span, tokens};

const KEY: &str = "accounts/a/keys/k";

/// A cluster with the pool `p` of the account `a` with one key.
async fn of_one() -> (Cluster, Client, Client) {
    Cluster::serving(&["a"], "*").await
}

/// The reasons of the one key that keeps `p` from serving, and the first of its sentences.
async fn told(caller: &Client, call: &LeaseKeyRequest) -> (Vec<RefusalReason>, String) {
    let told = caller.agrees(call).await;
    assert_eq!(told.keys.len(), 1, "{told:#?}");
    let key = &told.keys[0];
    assert_eq!(key.reasons.len(), key.objections.len());
    let reasons = key.objections.iter().map(proto::KeyObjection::reason);
    let mut all = vec![key.reason()];
    all.extend(reasons);
    (all, key.reasons[0].clone())
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
    let (reasons, sentence) = told(&caller, &model).await;
    assert_eq!(reasons, [Cooling, Cooling]);
    assert!(
        sentence.starts_with("cooling: accounts/a until 20"),
        "{sentence}"
    );
    caller
        .report(&leases[0], http(429, &[("retry-after", "3600")]))
        .await;
    caller.report(&leases[1], http(401, &[])).await;
    let (reasons, sentence) = told(&caller, &of("p")).await;
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
    let (reasons, sentence) = told(&caller, &of("p")).await;
    assert_eq!(reasons, [Disabled, Disabled, Disabled, Cooling, Dead]);
    assert_eq!(sentence, "disabled: accounts/a: unpaid");
}

#[tokio::test]
async fn a_dead_key_whose_time_is_over_is_told_as_a_canary_and_then_as_one_that_is_out() {
    let (_cluster, _admin, caller) = judged_by(brief()).await;
    let lease = caller.lease("p").await;
    caller.report(&lease, http(401, &[])).await;
    let (reasons, _) = told(&caller, &of("p")).await;
    assert_eq!(reasons, [RefusalReason::Dead, RefusalReason::Dead]);
    let is_over = async || caller.explain(&of("p")).await.keys[0].canary;
    eventually("its time is over", is_over).await;
    let eligible = caller.agrees(&of("p")).await;
    assert!(
        eligible.keys[0].reasons[0].contains("as a canary"),
        "{eligible:#?}"
    );
    let (reasons, sentence) = told(&caller, &of("p")).await;
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
    let (reasons, sentence) = told(&caller, &estimated).await;
    assert_eq!(reasons, [TooLarge, TooLarge]);
    let expected = "larger than a limit: accounts/a/limits/l5000 allows 5000 tokens in any 1m, and one use needs 5001 by its estimate";
    assert_eq!(sentence, expected);
    let dollars = proto::Limit {
        dimension: proto::LimitDimension::CostMicros.into(),
        ..requests(7_000_000, MINUTE)
    };
    admin.create_limit("a", dollars).await;
    let (reasons, sentence) = told(&caller, &named("nobody-knows-its-price")).await;
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
    let (reasons, _) = told(&caller, &of("p")).await;
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
    let (reasons, sentence) = told(&caller, &named("claude")).await;
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
async fn rows_that_are_not_believed_or_cannot_be_used_are_told_by_name() {
    use RefusalReason::{LimitUnread, NoVersion, Tampered, Undecryptable};
    for (edit, reason, words) in [
        (
            "update keys set model_allow = '{evil}'",
            Tampered,
            "changed in the database",
        ),
        (
            "update pool_members set weight = 9",
            Tampered,
            "its membership was changed",
        ),
        (
            "update accounts set allow_http = true",
            Tampered,
            "not believed",
        ),
        (
            "update accounts set profile = 'of-a-newer-release'",
            Tampered,
            "not believed",
        ),
        (
            "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext from secrets o where o.version_uid <> s.version_uid",
            Undecryptable,
            "does not open",
        ),
        ("delete from secrets", Undecryptable, "its secret is gone"),
        (
            "alter table key_versions drop constraint key_versions_stage_check; update key_versions set stage = 'resting'",
            NoVersion,
            "it has no current version",
        ),
        (
            "update limits set dimension = 'images', rev = (select rev from cluster)",
            LimitUnread,
            "a limit that this replica cannot read",
        ),
    ] {
        let raided = Raided::new().await;
        let admin = raided.cluster.admin().await;
        admin.create_limit("a", requests(10, MINUTE)).await;
        raided.edit(edit).await;
        let call = of("pool-a");
        let (reasons, sentence) = told(&raided.honest, &call).await;
        assert_eq!(reasons, [reason, reason], "{edit}");
        assert!(sentence.contains(words), "{edit}: {sentence}");
        let key = &raided.honest.explain(&call).await.keys[0].key;
        assert_eq!(key == KEY, !edit.contains("pool_members"), "{edit}: {key}");
    }
    let raided = Raided::new().await;
    raided
        .edit("update pools set strategy = 'weighted' where id = 'pool-b'")
        .await;
    let told = raided.honest.agrees(&of("pool-b")).await;
    assert_eq!(
        (told.reason(), told.keys.len()),
        (ErrorReason::KeysDistrusted, 0)
    );
}

#[tokio::test]
async fn a_database_that_is_away_is_told_and_what_the_slot_serves_too() {
    let cluster = Cluster::alone(1).await;
    let admin = cluster.admin().await;
    for account in ["a", "b"] {
        admin.create_account_and_key(account).await;
    }
    let window = Duration::from_secs(2);
    let shared = proto::Limit {
        offline_share: Some(proto::OfflineShare {
            percent: 50,
            slots: 2,
            outage_max: Some(span(Duration::from_secs(10))),
        }),
        ..requests(40, window)
    };
    admin.create_limit("a", requests(40, window)).await;
    admin.create_limit("b", shared).await;
    admin.create_pool("p", &["a"]).await;
    admin.create_pool("shared", &["b"]).await;
    let token = admin.create_lessee("search", "*").await;
    let caller = cluster.client(0, &token).await;
    let ready = async || {
        let told = caller.explain(&of("shared")).await;
        told.limits[0].slot_left == Some(10)
    };
    eventually("the replica has a slot that it may serve from", ready).await;
    cluster.database.signal_server("-STOP");
    for _ in 0..2 {
        let told = caller.agrees(&of("shared")).await;
        assert_eq!(told.chosen, "accounts/b/keys/k", "{told:#?}");
        assert_eq!(told.limits[0].remaining, None);
    }
    // A replica that waits for an answer does not know yet that none comes.
    let is_known = async || {
        let refused = caller.refused(of("p")).await;
        refused.reason == "DATABASE_UNREACHABLE"
    };
    eventually("the replica has given up asking", is_known).await;
    let (reasons, sentence) = told(&caller, &of("p")).await;
    assert_eq!(
        reasons,
        [RefusalReason::Unreachable, RefusalReason::Unreachable]
    );
    assert!(
        sentence.contains("the database does not answer for it"),
        "{sentence}"
    );
    cluster.database.signal_server("-CONT");
}

#[tokio::test]
async fn limits_that_are_frozen_after_lost_writes_are_told() {
    let (cluster, admin, caller) = of_one().await;
    admin.create_limit("a", requests(10, MINUTE)).await;
    caller.lease("p").await;
    // As if the database had lost what was granted last.
    sqlx::query("update limit_ledgers set grant_number = 0")
        .execute(&cluster.database.pool)
        .await
        .unwrap();
    // Once what is in hand is over, whoever asks finds out.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (reasons, sentence) = told(&caller, &of("p")).await;
    assert_eq!(reasons, [RefusalReason::Frozen, RefusalReason::Frozen]);
    assert!(sentence.contains("the database lost writes"), "{sentence}");
    let told = caller.explain(&of("p")).await;
    assert_eq!(told.reason(), ErrorReason::LimitsFrozen);
    let key = of_key(&told, KEY);
    assert!(key.retry_time.is_some());
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
