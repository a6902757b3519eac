//! What befalls many keys at once is told of as that, and not as so many dead keys.

use keylease::proto::{self, Alert, AlertKind};

use crate::harness::cluster::eventually_some;
use crate::harness::crowd::{ACCOUNTS, Crowd, report_all};
use crate::harness::outcomes::http;

#[tokio::test]
async fn keys_of_a_pool_that_die_together_are_one_alert_of_the_pool() {
    let crowd = Crowd::of(2, 2).await;
    // What one caller alone says trips nothing.
    let callers = [crowd.caller(0, 0).await, crowd.caller(1, 0).await];
    let mut leases = Vec::new();
    for (index, _) in ACCOUNTS.iter().enumerate() {
        let caller = &callers[index % callers.len()];
        leases.push((caller, caller.lease("p").await));
    }
    for (caller, lease) in leases {
        report_all(caller, &[lease], &http(401, &[])).await;
    }
    let open = async || {
        let request = proto::ListAlertsRequest {
            open_only: true,
            ..Default::default()
        };
        let answer = crowd.admin.admin.clone().list_alerts(request).await;
        answer.unwrap().into_inner().alerts
    };
    let told = eventually_some("the pool is told of", async || {
        let is_told = |alert: &Alert| alert.kind() == AlertKind::MassFailure;
        open().await.into_iter().find(is_told)
    })
    .await;
    assert_eq!(told.resource, "pools/p");
    assert!(told.summary.contains("die together"), "{}", told.summary);
    assert!(told.until.is_some());
    // A look may come between the first deaths and the one that is too many.
    let died = open().await;
    let died = died.iter().filter(|a| a.kind() == AlertKind::KeyDied);
    assert!(died.count() < ACCOUNTS.len() / 2 + 1);
}
