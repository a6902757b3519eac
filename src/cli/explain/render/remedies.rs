//! What to do about what is explained.

use tonic::Code;

use crate::cli::refusals::refusal_word;
use crate::cli::remedies::{FREE_LATER, TAMPERED, UNDECRYPTABLE, enabling, is_later, remedy};
use crate::cli::{table, words};
use crate::proto::{ErrorReason, ExplainLeaseResponse, KeyExplanation, RefusalReason};

/// What to do about each reason, once: by keys first, then what refuses the lease as a whole.
pub(super) fn remedies(answer: &ExplainLeaseResponse, width: usize) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    let mut tell = |what: String, remedy: String| {
        if !remedy.is_empty() && !told.contains(&remedy) {
            lines.push(table::wrapped(&format!("{what}: {remedy}"), width, 2));
            told.push(remedy);
        }
    };
    let counts = counts(&answer.keys);
    for (reason, count) in &counts {
        let keys = if *count == 1 { "key" } else { "keys" };
        let what = format!("{count} {keys} {}", refusal_word(*reason));
        tell(what, key_remedy(answer, *reason));
    }
    let whole = answer.reason();
    // Where the keys are the matter, what they have said of themselves is not said of the whole again; a pool may be disabled as well.
    let is_told = answer.refusal.is_some() && counts.iter().any(|(r, _)| error_reason(*r) == whole);
    if whole != ErrorReason::Unspecified && !is_told {
        let word = words::enum_value(whole.as_str_name(), "ERROR_REASON");
        tell(word, whole_remedy(answer, whole));
    }
    lines.join("\n")
}

fn key_remedy(answer: &ExplainLeaseResponse, reason: RefusalReason) -> String {
    if reason == RefusalReason::Undecryptable {
        return UNDECRYPTABLE.to_owned();
    }
    if reason == RefusalReason::Tampered {
        return TAMPERED.to_owned();
    }
    if reason == RefusalReason::Limit && is_later(soonest(answer)) {
        return FREE_LATER.to_owned();
    }
    if reason == RefusalReason::Disabled {
        let objections = answer.keys.iter().flat_map(|key| &key.objections);
        let disabled = objections.filter(|o| o.reason() == RefusalReason::Disabled);
        return enabling(disabled.map(|objection| objection.resource.as_str()));
    }
    remedy(Code::Ok, Some(error_reason(reason))).to_owned()
}

/// Seconds until the first key that is at a limit could serve.
fn soonest(answer: &ExplainLeaseResponse) -> Option<f64> {
    let now = answer.explain_time.as_ref()?.seconds;
    let at_limit = answer.keys.iter();
    let at_limit = at_limit.filter(|key| key.reason() == RefusalReason::Limit);
    let seconds = at_limit.filter_map(|key| key.retry_time.as_ref().map(|at| at.seconds - now));
    let soonest = seconds.min()?;
    u32::try_from(soonest).ok().map(f64::from)
}

fn whole_remedy(answer: &ExplainLeaseResponse, reason: ErrorReason) -> String {
    if reason == ErrorReason::PoolDisabled {
        return enabling(std::iter::once(answer.pool.as_str()));
    }
    remedy(Code::Ok, Some(reason)).to_owned()
}

fn counts(keys: &[KeyExplanation]) -> Vec<(RefusalReason, usize)> {
    let mut counts: Vec<(RefusalReason, usize)> = Vec::new();
    for key in keys.iter().filter(|key| !key.eligible) {
        let reason = key.reason();
        match counts.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    counts
}

/// The reason with which a lease would be refused if all keys were like this.
const fn error_reason(reason: RefusalReason) -> ErrorReason {
    match reason {
        RefusalReason::Unspecified => ErrorReason::Unspecified,
        RefusalReason::Limit => ErrorReason::LimitExhausted,
        RefusalReason::Frozen => ErrorReason::LimitsFrozen,
        RefusalReason::Unreachable => ErrorReason::DatabaseUnreachable,
        RefusalReason::Cooling => ErrorReason::KeysCooling,
        RefusalReason::Provider => ErrorReason::Provider,
        RefusalReason::Dead => ErrorReason::KeysDead,
        RefusalReason::Avoided => ErrorReason::KeysAvoided,
        RefusalReason::Disabled => ErrorReason::PoolDisabled,
        RefusalReason::Model => ErrorReason::ModelNotServed,
        RefusalReason::TooLarge => ErrorReason::LargerThanLimit,
        RefusalReason::ModelRequired => ErrorReason::ModelRequired,
        RefusalReason::CostRequired => ErrorReason::CostRequired,
        RefusalReason::Tampered | RefusalReason::Undecryptable => ErrorReason::KeysDistrusted,
        RefusalReason::LimitUnread => ErrorReason::LimitsUnread,
        RefusalReason::NoVersion => ErrorReason::PoolEmpty,
    }
}
