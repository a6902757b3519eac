//! What a failure looks like to a person, or as JSON: the sentence, the fields, when to retry, and the remedy.

use std::fmt::Write as _;

use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::failure::Failure;
use super::field_flags;
use super::refusals::{RefusedKeys, refusal_word, refused_keys};
use super::remedies::{About, fitted, unreached};
use super::words;
use crate::proto::{ErrorReason, RefusalReason};

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
    /// The flag that fills the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
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
        let info = details.error_info();
        let resource = info.and_then(|info| info.metadata.get("resource"));
        let reason = info.map(|info| words::printable(&info.reason));
        let reason = reason.unwrap_or_default();
        let parsed = ErrorReason::from_str_name(&format!("ERROR_REASON_{reason}"));
        let fields = details.bad_request().map(|bad| &bad.field_violations);
        let quotas = details.quota_failure().map(|quota| &quota.violations);
        let retry = details.retry_info().and_then(|retry| retry.retry_delay);
        let retry_after_seconds = retry.map(|delay| delay.as_secs_f64());
        let refused_keys = refused_keys(status);
        let about = About {
            message: status.message(),
            resource: resource.map_or("", String::as_str),
            disabled: disabled(&refused_keys),
            retry_seconds: retry_after_seconds,
        };
        Self {
            code: code_name(status.code()),
            remedy: fitted(status.code(), parsed, &about),
            message: words::printable(&sentence(status)),
            field_violations: fields.into_iter().flatten().map(field_violation).collect(),
            quota_violations: quotas
                .into_iter()
                .flatten()
                .map(|quota| words::printable(&format!("{}: {}", quota.subject, quota.description)))
                .collect(),
            refused_keys,
            retry_after_seconds,
            reason,
        }
    }

    /// The same, with this to do.
    pub(crate) fn with_remedy(mut self, remedy: String) -> Self {
        self.remedy = remedy;
        self
    }

    /// As lines for a person.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        if !self.reason.is_empty() {
            let _ = write!(text, " ({})", self.reason);
        }
        for violation in &self.field_violations {
            // One wrong field is often the whole sentence already, but for its flag.
            let is_said = self.message.contains(&violation.field)
                && self.message.ends_with(&violation.description);
            match violation.flag {
                Some(flag) if is_said => {
                    let _ = write!(text, "\n  flag: {flag}");
                }
                None if is_said => {}
                Some(_) | None => {
                    let field = field_flags::named(&violation.field);
                    let _ = write!(text, "\n  {field}: {}", violation.description);
                }
            }
        }
        for violation in &self.quota_violations {
            let _ = write!(text, "\n  {violation}");
        }
        for keys in &self.refused_keys {
            let plural = if keys.count == 1 { "key" } else { "keys" };
            let _ = write!(text, "\n  {} {plural}: {}", keys.count, keys.reason);
            if !keys.resource.is_empty() {
                let _ = write!(text, "; first {}: {}", keys.resource, keys.why);
            }
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
        words::escaped_json(&serde_json::json!({ "error": self }).to_string())
    }
}

/// What is disabled, by name.
fn disabled(keys: &[RefusedKeys]) -> Vec<&str> {
    let word = refusal_word(RefusalReason::Disabled);
    let disabled = keys.iter().filter(|keys| keys.reason == word);
    disabled.map(|keys| keys.resource.as_str()).collect()
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
        field: words::printable(&violation.field),
        flag: field_flags::flag(&violation.field),
        description: words::printable(&violation.description),
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
mod tests;
