//! The vault's verdicts in words.

use crate::cli::field_flags::named;
use crate::cli::{output, words};
use crate::proto::{self, ReportOutcomeResponse, Verdict};

/// Every verdict, and what was not understood.
pub(super) fn render(answer: &ReportOutcomeResponse) -> String {
    let mut lines: Vec<String> = answer.verdicts.iter().map(verdict).collect();
    if answer.duplicate {
        lines.push("this sequence had been reported before; nothing was changed".into());
    }
    if answer.exhausted {
        lines.push("no use of the lease was left to be reported; nothing was changed".into());
    }
    if !answer.unsupported.is_empty() {
        let fields: Vec<_> = answer.unsupported.iter().map(|f| named(f)).collect();
        let fields = fields.join(", ");
        lines.push(format!(
            "not acted on, since not built yet or out of bounds: {fields}"
        ));
    }
    if lines.is_empty() {
        lines.push("taken".into());
    }
    lines.join("\n")
}

fn verdict(verdict: &Verdict) -> String {
    let class = words::enum_value(verdict.failure_class().as_str_name(), "FAILURE_CLASS");
    let failed = verdict.failure_class() != proto::FailureClass::Unspecified;
    let blame = words::enum_value(verdict.blame().as_str_name(), "BLAME_SCOPE");
    let health = verdict.health.as_ref().map(|health| {
        let state = words::enum_value(health.state().as_str_name(), "HEALTH_STATE");
        match &health.until {
            Some(until) => format!("{state} until {until} ({})", words::printable(&health.why)),
            None => state,
        }
    });
    let advice = verdict.advice.as_ref();
    output::details(&[
        (
            "outcome",
            if failed {
                class
            } else {
                "success or nothing to blame".into()
            },
        ),
        (
            "blamed",
            if blame == "unspecified" {
                String::new()
            } else {
                blame
            },
        ),
        ("key version", health.unwrap_or_default()),
        ("advice", advice.map(advice_words).unwrap_or_default()),
        (
            "retry token",
            advice.map(|a| a.retry_token.clone()).unwrap_or_default(),
        ),
    ])
}

fn advice_words(advice: &proto::Advice) -> String {
    let action = match advice.action() {
        proto::AdviceAction::Unspecified => return String::new(),
        proto::AdviceAction::RetryOtherKey => "lease again with the retry token",
        proto::AdviceAction::RetrySameLater => "the same request later",
        proto::AdviceAction::DoNotRetry => "do not retry: it will fail with any key",
    };
    match advice
        .after
        .as_ref()
        .filter(|after| after.seconds > 0 || after.nanos > 0)
    {
        Some(after) => format!("{action}, after {}", words::proto_duration(Some(after))),
        None => action.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_a_sentence() {
        let advice = proto::Advice {
            action: proto::AdviceAction::RetrySameLater as i32,
            after: Some(prost_types::Duration {
                seconds: 20,
                nanos: 0,
            }),
            retry_token: String::new(),
        };
        assert_eq!(advice_words(&advice), "the same request later, after 20 s");
    }
}
