//! What a failure looks like to a person, or as JSON: the sentence, the fields, when to retry, and the remedy.

use std::fmt::Write as _;

use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::failure::Failure;
use super::refusals::{RefusedKeys, refused_keys};
use super::remedies::{remedy, unreached};
use super::words;
use crate::proto::ErrorReason;

/// A failure, ready to print.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    field_violations: Vec<FieldViolation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quota_violations: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused_keys: Vec<RefusedKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<f64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    remedy: String,
}

#[derive(Debug, Serialize)]
struct FieldViolation {
    field: String,
    description: String,
}

impl Report {
    /// What to say about a failure against `server`.
    pub(crate) fn of(failure: &Failure, server: &str) -> Self {
        let local = |code: &str, message: &str| Self {
            code: code.into(),
            message: message.into(),
            ..Self::default()
        };
        match failure {
            Failure::Usage(message) => local("USAGE", message),
            Failure::Failed(message) => local("FAILED", message),
            Failure::OutputClosed => Self::default(),
            Failure::Unreachable(message) if message.starts_with("no token") => {
                local("UNAUTHENTICATED", message)
            }
            Failure::Unreachable(cause) => Self {
                remedy: unreached(server, cause).into(),
                ..local("UNREACHABLE", &format!("cannot reach {server}: {cause}"))
            },
            Failure::Refused(status) => Self::of_status(status),
        }
    }

    fn of_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        let reason = reason.unwrap_or_default();
        let parsed = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
        let fields = details.bad_request().map(|bad| &bad.field_violations);
        let quotas = details.quota_failure().map(|quota| &quota.violations);
        let retry = details.retry_info().and_then(|retry| retry.retry_delay);
        Self {
            code: code_name(status.code()),
            message: sentence(status),
            field_violations: fields.into_iter().flatten().map(field_violation).collect(),
            quota_violations: quotas
                .into_iter()
                .flatten()
                .map(|quota| format!("{}: {}", quota.subject, quota.description))
                .collect(),
            refused_keys: refused_keys(status),
            retry_after_seconds: retry.map(|delay| delay.as_secs_f64()),
            remedy: remedy(status.code(), parsed).into(),
            reason,
        }
    }

    /// As lines for a person.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        if !self.reason.is_empty() {
            let _ = write!(text, " ({})", self.reason);
        }
        for violation in &self.field_violations {
            // One wrong field is often the whole sentence already.
            if self.message.contains(&violation.field)
                && self.message.ends_with(&violation.description)
            {
                continue;
            }
            let _ = write!(text, "\n  {}: {}", violation.field, violation.description);
        }
        for violation in &self.quota_violations {
            let _ = write!(text, "\n  {violation}");
        }
        for keys in &self.refused_keys {
            let plural = if keys.count == 1 { "key" } else { "keys" };
            let _ = write!(text, "\n  {} {plural}: {}", keys.count, keys.reason);
        }
        if let Some(seconds) = self.retry_after_seconds {
            let _ = write!(text, "\n  retry: in {}", words::seconds(seconds));
        }
        if !self.remedy.is_empty() {
            let _ = write!(text, "\n  remedy: {}", self.remedy);
        }
        text
    }

    /// As one line of JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::json!({ "error": self }).to_string()
    }
}

/// The server's own sentence, or its code where it sent none.
fn sentence(status: &Status) -> String {
    if status.message().is_empty() {
        format!("the server refused: {}", status.code())
    } else {
        status.message().to_owned()
    }
}

fn field_violation(violation: &tonic_types::FieldViolation) -> FieldViolation {
    FieldViolation {
        field: violation.field.clone(),
        description: violation.description.clone(),
    }
}

/// The code by its name on the wire, such as `NOT_FOUND`.
fn code_name(code: Code) -> String {
    let mut name = String::new();
    for (index, letter) in format!("{code:?}").chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prost::Message as _;
    use tonic_types::{ErrorDetails, pb};

    use super::*;
    use crate::proto::{self, LeaseRefusal, RefusalReason};

    fn report(status: Status) -> Report {
        Report::of(&Failure::from(status), "http://127.0.0.1:7600")
    }

    #[test]
    fn a_bad_field_is_named_with_its_bound() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info(
                "FIELD_INVALID",
                "keylease",
                [("a".to_owned(), "b".to_owned())],
            )
            .add_bad_request_violation("pool.members[0].tier", "must be 1 to 100");
        let status =
            Status::with_error_details(Code::InvalidArgument, "tier 0 is out of bounds", details);
        let text = report(status).text();
        assert!(
            text.starts_with("error: tier 0 is out of bounds (FIELD_INVALID)\n"),
            "{text}"
        );
        assert!(
            text.contains("\n  pool.members[0].tier: must be 1 to 100"),
            "{text}"
        );
    }

    #[test]
    fn a_refused_lease_says_when_to_retry_and_how_many_keys_are_out() {
        let refusal = LeaseRefusal {
            refused: vec![proto::RefusedKeys {
                reason: RefusalReason::Limit as i32,
                count: 2,
                retry_time: None,
            }],
            retry_time: None,
        };
        let retry = pb::RetryInfo {
            retry_delay: prost_types::Duration::try_from(Duration::from_millis(3200)).ok(),
        };
        let any = |name: &str, value| prost_types::Any {
            type_url: format!("type.googleapis.com/{name}"),
            value,
        };
        let rich = pb::Status {
            code: Code::ResourceExhausted as i32,
            message: String::new(),
            details: vec![
                any("keylease.v1.LeaseRefusal", refusal.encode_to_vec()),
                any("google.rpc.RetryInfo", retry.encode_to_vec()),
            ],
        };
        let status = Status::with_details(
            Code::ResourceExhausted,
            "every key is at a limit",
            rich.encode_to_vec().into(),
        );
        let report = report(status);
        assert!(
            report.text().contains("2 keys: at a limit of the account"),
            "{}",
            report.text()
        );
        assert!(
            report.text().contains("retry: in 3.2 s"),
            "{}",
            report.text()
        );
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["error"]["code"], "RESOURCE_EXHAUSTED");
        assert_eq!(json["error"]["retry_after_seconds"], 3.2);
    }

    #[test]
    fn an_absent_server_is_named_with_the_variable() {
        let failure = Failure::Unreachable("connection refused".into());
        let text = Report::of(&failure, "http://127.0.0.1:1").text();
        assert!(text.contains("http://127.0.0.1:1"), "{text}");
        assert!(text.contains("KEYLEASE_SERVER"), "{text}");
    }

    #[test]
    fn a_status_without_details_is_still_a_sentence() {
        let text = report(Status::new(Code::Internal, "")).text();
        assert!(text.starts_with("error: the server refused:"), "{text}");
    }

    #[test]
    fn codes_are_named_as_on_the_wire() {
        assert_eq!(code_name(Code::DeadlineExceeded), "DEADLINE_EXCEEDED");
        assert_eq!(code_name(Code::Ok), "OK");
    }
}
