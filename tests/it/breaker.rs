//! The breaker of a provider: opened by several callers, on every replica, tried by one lease, closed by its success or a person.

use std::time::{Duration, Instant};

use keylease::proto::{self, IncidentKind, RefusalReason};
use tonic::Code;

use crate::harness::client::{Client, of};
use crate::harness::cluster::eventually;
use crate::harness::crowd::{Crowd, first_lease, leases, report_all};
use crate::harness::outcomes::{http, success};
use crate::harness::setup::span;

/// Two callers meet nothing but 503 at the first replica.
async fn opened(crowd: &Crowd) -> [Client; 2] {
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 0).await];
    for caller in &callers {
        let all = leases(caller, 6).await;
        report_all(caller, &all, &http(503, &[])).await;
    }
    callers
}

#[tokio::test]
async fn a_provider_that_fails_is_shut_on_every_replica_and_tried_by_one_lease() {
    let crowd = Crowd::of(2, 2).await;
    let callers = opened(&crowd).await;
    let began = Instant::now();
    let refused = callers[0].refused(of("p")).await;
    let refused = refused.is(Code::ResourceExhausted, "PROVIDER");
    assert_eq!(refused.count(RefusalReason::Provider), 5);
    let retry = refused.retry.unwrap();
    assert!(retry <= Duration::from_millis(6_250), "{retry:?}");
    let named = &refused.lease.unwrap().refused[0];
    assert_eq!(named.resource, "providers/api.openai.com");
    assert!(named.why.contains("503"), "{}", named.why);
    let elsewhere = crowd.caller(0, 1).await;
    let shut = async || elsewhere.ask(of("p")).await.is_err();
    eventually("the other replica knows", shut).await;
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2_500), "{took:?}");
    elsewhere
        .refused(of("p"))
        .await
        .is(Code::ResourceExhausted, "PROVIDER");
    // When its time is over, one lease goes out, over both replicas and all callers.
    let clients = [
        callers[0].clone(),
        elsewhere,
        callers[1].clone(),
        crowd.caller(1, 1).await,
    ];
    let (trial_of, trial) = first_lease(&clients).await;
    assert!(
        began.elapsed() > Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    for _ in 0..40 {
        for client in &clients {
            client
                .refused(of("p"))
                .await
                .is(Code::ResourceExhausted, "PROVIDER");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    clients[trial_of].report(&trial, success()).await;
    clients[trial_of].lease("p").await;
    for client in &clients {
        let serves = async || client.ask(of("p")).await.is_ok();
        eventually("every replica leases again", serves).await;
    }
    assert_eq!(crowd.incidents(0).await, []);
    assert_eq!(
        crowd.admin.status("p").await.keys_serving,
        5,
        "no key was blamed"
    );
}

#[tokio::test]
async fn while_it_grows_back_it_is_said_why_an_eligible_key_is_refused() {
    let crowd = Crowd::of(2, 1).await;
    let callers = opened(&crowd).await;
    let (_, trial) = first_lease(&callers[..1]).await;
    callers[0].report(&trial, success()).await;
    let growing = ", it takes ";
    let mut said = String::new();
    let refused = async || callers[0].ask(of("p")).await.is_err();
    eventually("some are left out", refused).await;
    // To look takes no turn: it says so however often it is asked.
    for _ in 0..20 {
        let told = callers[0].explain(&of("p")).await;
        assert!(told.keys.iter().all(|key| key.eligible), "{told:#?}");
        said.clone_from(&told.keys[0].reasons[0]);
        assert!(said.contains(growing), "{said}");
    }
    let percent = said.split(growing).nth(1).unwrap().split(' ').next();
    let percent: u8 = percent.unwrap().parse().unwrap();
    assert!((6..100).contains(&percent), "{said}");
    let grown = async || {
        let told = callers[0].explain(&of("p")).await;
        !told.keys[0].reasons[0].contains(growing)
    };
    eventually("it is whole", grown).await;
    callers[0].lease("p").await;
}

#[tokio::test]
async fn a_trial_that_fails_shuts_it_for_longer() {
    let crowd = Crowd::of(2, 1).await;
    let callers = opened(&crowd).await;
    let first = crowd.incident(IncidentKind::Breaker).await.unwrap();
    let (_, trial) = first_lease(&callers[..1]).await;
    callers[0]
        .report(&trial, http(503, &[("retry-after", "30")]))
        .await;
    let refused = callers[0].refused(of("p")).await;
    let retry = refused
        .is(Code::ResourceExhausted, "PROVIDER")
        .retry
        .unwrap();
    assert!((25..=30).contains(&retry.as_secs()), "{retry:?}");
    let again = crowd.incident(IncidentKind::Breaker).await.unwrap();
    assert_eq!((first.strikes, again.strikes), (1, 2));
    assert_eq!(first.since_time, again.since_time);
}

#[tokio::test]
async fn other_providers_of_the_pool_serve_on() {
    let crowd = Crowd::of(2, 1).await;
    let callers = opened(&crowd).await;
    let admin = &crowd.admin;
    admin
        .create_account("other", "https://llm.example.com/v1")
        .await;
    admin.create_key("other", "k", "sk-other").await;
    admin.create_pool("mixed", &["a", "other"]).await;
    for _ in 0..10 {
        let lease = callers[0].lease("mixed").await;
        assert_eq!(lease.key, "accounts/other/keys/k");
    }
    let status = admin.status("mixed").await;
    assert_eq!((status.keys_serving, status.keys_provider_failing), (1, 1));
    let subjects = status.incidents.iter().map(|i| i.subject.as_str());
    assert_eq!(subjects.collect::<Vec<_>>(), ["providers/api.openai.com"]);
    let request = proto::ExplainLeaseRequest {
        pool: "pools/mixed".to_owned(),
        caller: "callers/c0".to_owned(),
        ..Default::default()
    };
    let explained = admin.admin.clone().explain_lease(request).await.unwrap();
    let explained = explained.into_inner();
    assert_eq!(explained.incidents.len(), 1);
    let shut = explained.keys.iter().find(|key| !key.eligible).unwrap();
    assert_eq!(shut.reason(), RefusalReason::Provider);
    assert!(
        shut.reasons[0].starts_with("provider fails: providers/api.openai.com until"),
        "{:?}",
        shut.reasons
    );
}

#[tokio::test]
async fn a_person_closes_it_everywhere() {
    let crowd = Crowd::of(2, 2).await;
    let callers = opened(&crowd).await;
    crowd.cluster.settled().await;
    let clear = |name: &str| proto::ClearHealthRequest {
        name: name.to_owned(),
        ..Default::default()
    };
    let mut admin = crowd.admin.admin.clone();
    let unknown = admin.clear_health(clear("providers/api.opnai.com")).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    let of_model = proto::ClearHealthRequest {
        model: "gpt".to_owned(),
        ..clear("providers/openai")
    };
    let of_model = admin.clear_health(of_model).await;
    assert_eq!(of_model.unwrap_err().code(), Code::InvalidArgument);
    let cleared = admin.clear_health(clear("providers/openai")).await.unwrap();
    assert_eq!(cleared.into_inner().cleared, 1);
    callers[0].ask(of("p")).await.unwrap();
    crowd.cluster.settled().await;
    crowd.caller(1, 1).await.ask(of("p")).await.unwrap();
    let again = admin.clear_health(clear("providers/api.openai.com")).await;
    assert_eq!(again.unwrap().into_inner().cleared, 0);
}

#[tokio::test]
async fn a_person_who_closes_it_ends_the_right_of_a_trial_that_is_out() {
    let crowd = Crowd::of(2, 1).await;
    let callers = opened(&crowd).await;
    let (_, trial) = first_lease(&callers).await;
    // Whatever its caller may want: everybody else waits for it.
    let within = trial.report_within.unwrap();
    assert!((1..=121).contains(&within.seconds), "{within:?}");
    let clear = proto::ClearHealthRequest {
        name: "providers/openai".to_owned(),
        ..Default::default()
    };
    crowd.admin.admin.clone().clear_health(clear).await.unwrap();
    crowd.cluster.settled().await;
    // It fails again, and nobody has reported the trial: the next one goes out all the same.
    opened(&crowd).await;
    let next = tokio::time::timeout(Duration::from_secs(12), first_lease(&callers)).await;
    next.unwrap();
}

#[tokio::test]
async fn a_trial_that_is_renewed_keeps_its_right() {
    let crowd = Crowd::of(2, 2).await;
    let callers = opened(&crowd).await;
    let (of, trial) = first_lease(&callers).await;
    let lasts = async || -> f64 {
        let left = "select extract(epoch from until - since)::float8 from canaries";
        let pool = &crowd.cluster.database.pool;
        sqlx::query_scalar(left).fetch_one(pool).await.unwrap()
    };
    let before = lasts().await;
    assert!(before < 126.0, "{before}");
    // By another replica, which knows only that it may be a trial.
    let known = async || crowd.incidents(1).await.len() == 1;
    eventually("the other replica knows", known).await;
    let elsewhere = crowd.caller(of, 1).await;
    let renew = |minutes| proto::RenewLeaseRequest {
        lease_id: trial.lease_id.clone(),
        lease_duration: Some(span(Duration::from_mins(minutes))),
    };
    let renewed = elsewhere.leases.clone().renew_lease(renew(4)).await;
    renewed.unwrap();
    let after = lasts().await;
    assert!(after > 239.0, "{after}");
    // And for ten minutes at most.
    let renewed = callers[of].leases.clone().renew_lease(renew(60)).await;
    let within = renewed.unwrap().into_inner().report_within.unwrap();
    assert!(within.seconds <= 600, "{within:?}");
    let after = lasts().await;
    assert!(after < 606.0, "{after}");
}
