//! A person's word on a key stands, whatever else is said of it.

use std::time::Duration;

use keylease::proto::{self, HealthState, ProbeResult};
use tonic::Code;

use crate::harness::asked::Answer;
use crate::harness::client::of;
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::judged::health;
use crate::harness::outcomes::{http, success};
use crate::harness::probed::Probed;

const KEY: &str = "sk-Canary_Disabled_t5Zp1Xv8Lq6";
const NAME: &str = "accounts/a/keys/k";

#[tokio::test]
async fn a_key_that_was_disabled_while_leased_and_probed_stays_so_until_a_person_enables_it() {
    let probed = Probed::start(2, KEY, true).await;
    let mut leases = Vec::new();
    for _ in 0..3 {
        leases.push(probed.caller.lease("p").await);
    }
    // A probe is under way, and will find it well.
    let well = Answer {
        after: Duration::from_secs(2),
        ..Answer::of(200, "{}")
    };
    probed.provider.tell(KEY, well);
    probed.make_due().await;
    probed.asked(KEY, 1).await;
    probed.admin.disable_key(NAME).await;
    stays(&probed).await;
    let [first, second, third] = leases.try_into().unwrap();
    probed.caller.report(&first, success()).await;
    stays(&probed).await;
    probed.caller.report(&second, http(401, &[])).await;
    assert_eq!(health(&probed.admin).await.state(), HealthState::Dead);
    stays(&probed).await;
    let noted = async || probed.version().await.last_probe;
    let last = eventually_some("the probe is noted", noted).await;
    assert_eq!(last.result(), ProbeResult::Well);
    stays(&probed).await;
    // Until then it is refused since its provider was just asked.
    let is_refused = async || {
        let refused = probed.ask().await.unwrap_err();
        refused.message().contains("enable it first")
    };
    eventually("nor is it probed for a person", is_refused).await;
    probed.clear_health().await;
    assert_eq!(health(&probed.admin).await.state(), HealthState::Active);
    stays(&probed).await;
    probed.caller.report(&third, success()).await;
    stays(&probed).await;
    assert_eq!(probed.provider.times(KEY), 1);
    let enable = proto::EnableKeyRequest {
        name: NAME.to_owned(),
        ..Default::default()
    };
    probed.admin.admin.clone().enable_key(enable).await.unwrap();
    probed.cluster.settled().await;
    probed.caller.lease("p").await;
}

/// Disabled, by the same word, and leased by no replica.
async fn stays(probed: &Probed) {
    probed.cluster.settled().await;
    let request = proto::GetKeyRequest {
        name: NAME.to_owned(),
    };
    let answer = probed.admin.admin.clone().get_key(request).await;
    let key = answer.unwrap().into_inner().key.unwrap();
    assert_eq!(key.disablement.unwrap().reason, "leaked");
    let refused = probed.caller.refused(of("p")).await;
    refused.is(Code::FailedPrecondition, "POOL_DISABLED");
}
