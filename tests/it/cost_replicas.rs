//! Spend over replicas: each report counts once, wherever it comes in and whatever ends.

use keylease::proto;

use crate::harness::client::reporting;
use crate::harness::cluster::eventually;
use crate::harness::spending::{asking, by, spending, told, using};

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_was_set_holds_for_what_is_reported_after_it() {
    let (cluster, admin, token) = spending(2).await;
    let (here, there) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    here.spend(asking("house-model", "x", 1), vec![using(1, 0, 0)])
        .await;
    let price = proto::Price {
        profile: "openai".to_owned(),
        model: "house-*".to_owned(),
        input_micros: 1_000_001,
        ..Default::default()
    };
    let request = proto::SetPriceRequest {
        price: Some(price),
        ..Default::default()
    };
    admin.admin.clone().set_price(request).await.unwrap();
    cluster.settled().await;
    // Rounded up: a micro and a millionth of one are two.
    there
        .spend(asking("house-model", "x", 1), vec![using(1, 0, 0)])
        .await;
    let there = cluster.client(1, &cluster.admin_token).await;
    there.cost(by(&[])).await;
    let rows = admin.cost(by(&["model"])).await;
    assert_eq!(told(&rows[0]), (vec!["house-model"], 2, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_to_another_replica_counts_once() {
    let (cluster, admin, token) = spending(2).await;
    let (here, there) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    let lease = here.ask(asking("gpt-4o", "x", 1)).await.unwrap();
    // Its answer was lost, say, so the caller tells the other replica too.
    for replica in [&there, &here, &there] {
        let report = reporting(&lease, vec![using(1_000_000, 0, 0)]);
        replica.tell(report).await.unwrap();
    }
    let counted = async || !admin.cost(by(&["pool"])).await.is_empty();
    eventually("the report has been counted", counted).await;
    // Long enough for a second one to come by the database.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let rows = admin.cost(by(&["pool"])).await;
    assert_eq!(told(&rows[0]), (vec!["pools/p"], 2_500_000, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_ends_writes_what_was_spent_and_others_take_over_its_leases() {
    let (mut cluster, _, token) = spending(2).await;
    let (here, there) = (
        cluster.client(0, &token).await,
        cluster.client(1, &token).await,
    );
    let late = here.ask(asking("gpt-4o", "late", 1)).await.unwrap();
    here.spend(asking("gpt-4o", "early", 1), vec![using(2_000_000, 0, 0)])
        .await;
    assert!(cluster.replicas[0].end("-TERM").await.status.success());
    let admin = cluster.client(1, &cluster.admin_token).await;
    let rows = admin.cost(by(&["tag.team"])).await;
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [(vec!["early"], 5_000_000, 1, 0)]
    );
    there
        .tell(reporting(&late, vec![using(1_000_000, 0, 0)]))
        .await
        .unwrap();
    let both = async || admin.cost(by(&["tag.team"])).await.len() == 2;
    eventually("the late report has been counted", both).await;
    let rows = admin.cost(by(&["tag.team"])).await;
    assert_eq!(told(&rows[1]), (vec!["late"], 2_500_000, 1, 0));
    cluster.add().await;
    let admin = cluster.client(2, &cluster.admin_token).await;
    let rows = admin.cost(by(&[])).await;
    assert_eq!(rows[0].cost_micros, 7_500_000, "the database has it all");
}
