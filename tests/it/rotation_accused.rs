//! One caller's word that a version is dead does not decide a rotation: nothing that may work is given up for it, and nothing unproven takes
//! over.

use keylease::proto::{
    Account, CreateAccountRequest, HealthState, LeaseKind, RotateKeyRequest, RotationStep,
    VersionStage,
};
use tokio::time::sleep;

use crate::harness::asked::Answer;
use crate::harness::client::{Client, of};
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::outcomes::{http, success};
use crate::harness::probed::{A_WHILE, Probed};
use crate::harness::setup::secret;

const OLD: &str = "sk-Canary_Accused_old_b7Ww3Qe";
const NEW: &str = "sk-Canary_Accused_new_k2Lp9Zx";

/// A caller says that the key is rejected; answers whether nobody has confirmed it.
async fn accuse(caller: &Client, pool: &str) -> bool {
    let lease = caller.lease(pool).await;
    let verdict = caller.report(&lease, http(401, &[])).await;
    let told = verdict.health.unwrap();
    assert_eq!(told.state(), HealthState::Dead);
    told.unconfirmed
}

/// The provider knows a current version no more, and says so.
async fn dies(probed: &Probed, value: &str) {
    probed.provider.tell(value, Answer::invalid());
    let asked = eventually_some("it is asked about", async || probed.ask().await.ok()).await;
    let health = asked.health.unwrap();
    assert!(health.state() == HealthState::Dead && !health.unconfirmed);
}

/// What the first version is accused of is over for long.
async fn is_over(probed: &Probed) {
    let over = "with next as (update cluster set rev = rev + 1 returning rev)
        update key_versions v set rev = next.rev, health_until = clock_timestamp() - interval '1 hour'
        from next where v.health = 'dead' and v.health_accuser is not null";
    assert_eq!(probed.sql(over).await, 1);
}

#[tokio::test]
async fn a_previous_version_that_one_caller_accused_comes_back_where_its_provider_knows_it() {
    let probed = Probed::start(1, OLD, false).await;
    assert!(accuse(&probed.caller, "p").await);
    is_over(&probed).await;
    probed.rotate(NEW).await.unwrap();
    dies(&probed, NEW).await;
    probed.reaches(2, RotationStep::RolledBack).await;
    assert!(probed.rotation(2).await.rolled_back_by_itself);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Previous, VersionStage::Current]
    );
    assert_eq!(probed.provider.times(OLD), 1);
    // One lease finds out whether the caller was right.
    let leased = async || probed.caller.ask(of("p")).await.ok();
    let canary = eventually_some("the previous version is leased", leased).await;
    assert_eq!((canary.version, canary.kind()), (1, LeaseKind::Canary));
    probed.caller.report(&canary, success()).await;
    assert_eq!(probed.caller.lease("p").await.kind(), LeaseKind::Normal);
}

#[tokio::test]
async fn one_that_was_accused_is_kept_beside_a_dead_one_until_it_is_surely_dead_itself() {
    let probed = Probed::start(1, OLD, false).await;
    assert!(accuse(&probed.caller, "p").await);
    probed.rotate(NEW).await.unwrap();
    probed.provider.tell(OLD, Answer::of(503, "{}"));
    dies(&probed, NEW).await;
    let over = "update key_versions set keep_until = clock_timestamp() - interval '1 day' where stage = 'previous'";
    assert_eq!(probed.sql(over).await, 1);
    sleep(A_WHILE).await;
    let (current, previous) = (VersionStage::Current, VersionStage::Previous);
    assert_eq!(probed.stages().await, [current, previous]);
    let confirmed = "update key_versions set health_accuser = null, health_until = clock_timestamp() + interval '1 day'
        where stage = 'previous'";
    assert_eq!(probed.sql(confirmed).await, 1);
    let is_revoked = async || probed.stages().await[1] == VersionStage::Revoked;
    eventually("it is not kept then", is_revoked).await;
}

#[tokio::test]
async fn one_that_was_accused_comes_back_where_nobody_can_be_asked_about_it() {
    let probed = Probed::start(1, OLD, false).await;
    let request = CreateAccountRequest {
        account_id: "g".to_owned(),
        account: Some(Account {
            provider_profile: "generic".to_owned(),
            base_url: probed.provider.base_url(),
            allow_http: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut admin = probed.admin.admin.clone();
    admin.create_account(request).await.unwrap();
    probed
        .admin
        .create_key("g", "k", "sk-Canary_Unasked_1")
        .await;
    probed.admin.create_pool("g", &["g"]).await;
    let tokens = [
        probed.admin.create_lessee("first", "g").await,
        probed.admin.create_lessee("second", "g").await,
    ];
    probed.cluster.settled().await;
    let first = probed.cluster.client(0, &tokens[0]).await;
    let second = probed.cluster.client(0, &tokens[1]).await;
    assert!(accuse(&first, "g").await);
    let request = RotateKeyRequest {
        name: "accounts/g/keys/k".to_owned(),
        secret: Some(secret("sk-Canary_Unasked_2")),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    probed.cluster.settled().await;
    let leases = [first.lease("g").await, second.lease("g").await];
    assert_eq!((leases[0].version, leases[1].version), (2, 2));
    for (caller, lease) in [&first, &second].into_iter().zip(&leases) {
        caller.report(lease, http(401, &[])).await;
    }
    let back = "update key_versions v set stage = stage from keys k
        where k.uid = v.key_uid and k.account_uid = (select uid from accounts where id = 'g') and v.number = 1 and v.stage = 'current'";
    let is_back = async || probed.sql(back).await == 1;
    eventually("the previous version is current", is_back).await;
}

#[tokio::test]
async fn an_unproven_version_takes_the_place_of_one_that_is_surely_dead_alone() {
    let probed = Probed::start(1, OLD, false).await;
    assert!(accuse(&probed.caller, "p").await);
    probed.provider.tell(NEW, Answer::of(500, "{}"));
    let rotation = probed.rotate(NEW).await.unwrap();
    assert_eq!(rotation.step(), RotationStep::Testing);
    assert_eq!(
        probed.stages().await,
        [VersionStage::Pending, VersionStage::Current]
    );
    dies(&probed, OLD).await;
    probed.retry(2, false).await.unwrap();
    probed.reaches(2, RotationStep::Draining).await;
    assert_eq!(probed.stages().await[0], VersionStage::Current);
}
