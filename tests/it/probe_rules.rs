//! Probes and the rules of pools: what a pool knows its provider to mean kills no key by a probe either.

use keylease::proto::{FailureClass, HealthState, ProbeResult};
use tokio::time::sleep;

use crate::harness::asked::Answer;
use crate::harness::cluster::eventually;
use crate::harness::judged::health;
use crate::harness::probed::{A_WHILE, Probed};

const KEY: &str = "sk-Canary_Ruled_v3Jd9Hs5Yb2Nc8";

/// The provider says so when a plan is used up.
const RULES: &str = r#"
version = 1
[[rule]]
id = "plan"
status = ["401"]
text = ['unauthorized key']
class = "quota"
"#;

fn plan() -> Answer {
    Answer::of(401, r#"{"detail":"Unauthorized key"}"#)
}

#[tokio::test]
async fn what_a_pool_takes_for_a_spent_plan_kills_no_key() {
    let probed = Probed::start_with(1, KEY, true, RULES).await;
    probed.provider.tell(KEY, plan());
    probed.make_due().await;
    probed.asked(KEY, 1).await;
    let is_noted = async || probed.version().await.last_probe.is_some();
    eventually("the probe is noted", is_noted).await;
    let last = probed.version().await.last_probe.unwrap();
    assert_eq!(
        (last.result(), last.why.as_str()),
        (ProbeResult::Unclear, "pool/plan")
    );
    assert_eq!(health(&probed.admin).await.state(), HealthState::Active);
    // What they say nothing of is what it was.
    probed.provider.tell(KEY, Answer::invalid());
    probed.make_due().await;
    let is_dead = async || health(&probed.admin).await.state() == HealthState::Dead;
    eventually("the key is dead", is_dead).await;
}

#[tokio::test]
async fn nor_does_a_probe_that_a_person_asks_for() {
    let probed = Probed::start_with(1, KEY, false, RULES).await;
    probed.provider.tell(KEY, plan());
    let answer = probed.ask().await.unwrap();
    assert_eq!(
        answer.probe.as_ref().unwrap().result(),
        ProbeResult::Unclear
    );
    assert_eq!(answer.failure_class(), FailureClass::Quota);
    sleep(A_WHILE / 2).await;
    assert_eq!(health(&probed.admin).await.state(), HealthState::Active);
}
