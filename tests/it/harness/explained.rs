//! Explanations, and whether LeaseKey does what they say.

use std::time::Duration;

use keylease::proto::{
    ExplainLeaseRequest, ExplainLeaseResponse, KeyExplanation, KeyObjection, LeaseKeyRequest,
    LeaseRefusal, RefusalReason,
};
use tonic::Status;

use super::client::Client;
use super::refusal::Refusal;

/// How many keys for which reason.
pub(crate) type Counts = Vec<(RefusalReason, i32)>;

impl Client {
    /// Asks for an explanation.
    pub(crate) async fn try_explain(
        &self,
        request: ExplainLeaseRequest,
    ) -> Result<ExplainLeaseResponse, Status> {
        let answer = self.admin.clone().explain_lease(request).await;
        answer.map(tonic::Response::into_inner)
    }

    /// Explains a call that this caller would make.
    pub(crate) async fn explain(&self, call: &LeaseKeyRequest) -> ExplainLeaseResponse {
        let request = ExplainLeaseRequest {
            pool: call.pool.clone(),
            model: call.model.clone(),
            estimate: call.estimate,
            ..Default::default()
        };
        self.try_explain(request).await.unwrap()
    }

    /// Explains a call and makes it: what was explained happens. Where permits come back, or a time ends, between the two, it is tried
    /// again once nothing is held any more.
    pub(crate) async fn agrees(&self, call: &LeaseKeyRequest) -> ExplainLeaseResponse {
        for _ in 0..4 {
            match self.compared(call).await {
                Ok(told) => return told,
                Err(difference) if !difference.passes => panic!("{difference:#?}"),
                Err(_) => tokio::time::sleep(HELD_MAX).await,
            }
        }
        panic!("nothing was held any more, and what was explained did not happen: {call:?}")
    }

    /// What the one key of a pool is counted under and then all that keeps it from serving, and the first sentence, as LeaseKey refuses.
    pub(crate) async fn told(&self, call: &LeaseKeyRequest) -> (Vec<RefusalReason>, String) {
        let told = self.agrees(call).await;
        assert_eq!(told.keys.len(), 1, "{told:#?}");
        let key = &told.keys[0];
        assert_eq!(key.reasons.len(), key.objections.len());
        let mut reasons = vec![key.reason()];
        reasons.extend(key.objections.iter().map(KeyObjection::reason));
        (reasons, key.reasons[0].clone())
    }

    async fn compared(
        &self,
        call: &LeaseKeyRequest,
    ) -> Result<ExplainLeaseResponse, Box<Difference>> {
        let told = self.explain(call).await;
        let answer = self.ask(call.clone()).await;
        let happened = match &answer {
            Ok(lease) => lease.key.clone(),
            Err(status) => format!("{:?}", Refusal::of(status)),
        };
        let is_right = match answer {
            // Blocks of permits come and end: between eligible keys with limits that may turn the choice.
            Ok(lease) => {
                let is_limited = !told.limits.is_empty() && !told.chosen.is_empty();
                let is_eligible = of_key(&told, &lease.key).eligible;
                is_eligible && (told.chosen == lease.key || is_limited)
            }
            Err(status) => refuses_so(&told, &Refusal::of(&status)),
        };
        if is_right {
            return Ok(told);
        }
        let ends = told.keys.iter().any(|key| key.retry_time.is_some());
        Err(Box::new(Difference {
            passes: ends || !told.limits.is_empty(),
            told,
            happened,
        }))
    }
}

/// Longer than a replica holds permits that nobody uses.
const HELD_MAX: Duration = Duration::from_millis(1_500);

/// What was explained, and what happened.
#[derive(Debug)]
#[expect(dead_code, reason = "is shown where a test fails")]
struct Difference {
    told: ExplainLeaseResponse,
    happened: String,
    /// Time alone may have brought it about.
    passes: bool,
}

/// Whether a lease is refused as was explained: for the same reason, with the same counts. Unless the caller or the pool is the matter,
/// what is said of each key adds up to what is counted.
fn refuses_so(told: &ExplainLeaseResponse, refused: &Refusal) -> bool {
    let reason = told.reason().as_str_name();
    let reason = reason.strip_prefix("ERROR_REASON_").unwrap();
    let counted = counts(told.refusal.as_ref());
    let adds_up = told.refusal.is_none() || by_key(told) == counted;
    told.chosen.is_empty()
        && adds_up
        && reason == refused.reason
        && counted == counts(refused.lease.as_ref())
}

/// The counts of a refusal.
pub(crate) fn counts(refusal: Option<&LeaseRefusal>) -> Counts {
    let refused = refusal.into_iter().flat_map(|refusal| &refusal.refused);
    let mut counts: Counts = refused.map(|keys| (keys.reason(), keys.count)).collect();
    counts.sort_by_key(|(reason, _)| *reason as i32);
    counts
}

/// The same, of what is said key by key.
fn by_key(told: &ExplainLeaseResponse) -> Counts {
    let mut counts: Counts = Vec::new();
    for key in told.keys.iter().filter(|key| !key.eligible) {
        assert!(!key.reasons.is_empty(), "{key:#?}");
        match counts
            .iter_mut()
            .find(|(reason, _)| *reason == key.reason())
        {
            Some((_, count)) => *count += 1,
            None => counts.push((key.reason(), 1)),
        }
    }
    counts.sort_by_key(|(reason, _)| *reason as i32);
    counts
}

/// What is said of a key, by its full name.
pub(crate) fn of_key<'a>(told: &'a ExplainLeaseResponse, name: &str) -> &'a KeyExplanation {
    let found = told.keys.iter().find(|key| key.key == name);
    found.unwrap_or_else(|| panic!("nothing of {name}: {told:#?}"))
}
