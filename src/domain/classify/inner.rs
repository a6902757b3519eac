//! Failures that hide in a 200: which fields may speak of one, whether one does, and the status it has inside.

use super::evidence::Shape;
use super::scan::Field;
use super::text::Words;

/// Where a failure is told at the top of a body. What a model wrote stands elsewhere and must not be read as one.
const ROOTS: [&str; 34] = [
    "",
    "base_resp",
    "cod",
    "code",
    "description",
    "detail",
    "details",
    "errcode",
    "errmsg",
    "error",
    "error_code",
    "error_description",
    "error_message",
    "error_msg",
    "errormessage",
    "errors",
    "estimated_time",
    "event",
    "http_status",
    "information",
    "message",
    "msg",
    "note",
    "object",
    "ok",
    "reason",
    "result",
    "retry_after",
    "status",
    "status_code",
    "statuscode",
    "success",
    "title",
    "type",
];
/// Texts that are there only if something failed.
const FAILURE_TEXTS: [&str; 5] = [
    "error_message",
    "error_msg",
    "errormessage",
    "error_description",
    "errmsg",
];
/// A status, in words, of something that failed.
const FAILED: [&str; 8] = [
    "error",
    "fail",
    "request_denied",
    "over_query_limit",
    "over_daily_limit",
    "invalid_request",
    "unknown_error",
    "notok",
];
/// Values that say that all is well.
const NOTHING: [&str; 6] = ["", "0", "false", "ok", "none", "success"];
/// Fields that may hold an HTTP status.
const STATUS_NAMES: [&str; 7] = [
    "http_status",
    "status_code",
    "statuscode",
    "code",
    "status",
    "error_code",
    "cod",
];
/// Pages of firewalls that are sent as a success.
const PAGES: [&str; 4] = [
    "just a moment...",
    "attention required! | cloudflare",
    "complete the security check",
    "verify you are human",
];

/// Whether a field of a 200 may be about a failure.
pub(super) fn may_tell_of_failure(field: &Field) -> bool {
    // A failed response of a stream is told as `response.error`; the rest of `response` is what a model wrote.
    ROOTS.contains(&field.root()) || field.path.starts_with("response.error")
}

/// Whether a 200 is a failure after all.
pub(super) fn fails(fields: &[Field], shape: Shape, words: &Words) -> bool {
    match shape {
        Shape::Html => PAGES.iter().any(|page| words.text.contains(page)),
        Shape::Json | Shape::Events | Shape::Text => {
            let is_told = |field| tells(field, fields);
            fields.iter().any(is_told)
        }
        Shape::Empty => false,
    }
}

fn tells(field: &Field, all: &[Field]) -> bool {
    let value = field.value.trim().to_lowercase();
    let is_nothing = |value: &str| NOTHING.contains(&value);
    let is_zero = is_nothing(&value);
    let has_text = || {
        let is_text = |f: &Field| ["message", "msg", "detail"].contains(&f.path.as_str());
        let mut texts = all.iter().filter(|f| is_text(f));
        texts.any(|text| !is_nothing(&text.value.trim().to_lowercase()))
    };
    match field.path.as_str() {
        "ok" | "success" => value == "false",
        "base_resp.status_code" | "errcode" | "error_code" | "error" => !is_zero,
        "type" | "object" | "event" => ["error", "response.failed"].contains(&value.as_str()),
        "status" | "message" => FAILED.contains(&value.as_str()),
        "code" | "cod" => !is_zero && !["200", "20000"].contains(&value.as_str()) && has_text(),
        "information" | "note" => all.len() == 1,
        path if FAILURE_TEXTS.contains(&path) => !is_zero,
        path => ["error.", "errors", "response.error"]
            .iter()
            .any(|begin| path.starts_with(begin)),
    }
}

/// The HTTP status that is told inside.
pub(super) fn status(fields: &[Field]) -> Option<u16> {
    let statuses = fields.iter().filter_map(|field| {
        let status = field.value.parse().ok()?;
        let is_status = STATUS_NAMES.contains(&field.name()) && (400..600).contains(&status);
        is_status.then_some(status)
    });
    statuses.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::classify::scan::scan;

    fn fails_with(body: &str) -> bool {
        let mut fields = Vec::new();
        scan(body, &mut fields);
        fields.retain(may_tell_of_failure);
        fails(&fields, Shape::Json, &Words::default())
    }

    #[test]
    fn failures_are_told_in_many_ways() {
        for body in [
            r#"{"ok":false,"error":"ratelimited"}"#,
            r#"{"error":"Model is currently loading"}"#,
            r#"{"base_resp":{"status_code":1004}}"#,
            r#"{"status":"REQUEST_DENIED","error_message":"no"}"#,
            r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
            r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#,
            r#"{"errors":[{"message":"API rate limit exceeded"}],"data":null}"#,
            r#"{"code":20015,"message":"too long","data":null}"#,
            r#"{"Note":"our standard limit is 25 calls per day"}"#,
        ] {
            assert!(fails_with(body), "{body}");
        }
    }

    #[test]
    fn successes_are_not_failures() {
        for body in [
            r#"{"ok":true,"channel":"C1","message":{"text":"error"}}"#,
            r#"{"base_resp":{"status_code":0,"status_msg":"success"},"reply":"error"}"#,
            r#"{"id":"x","choices":[{"message":{"content":"rate limit"}}],"error":null}"#,
            r#"{"status":"OK","results":[]}"#,
            r#"{"code":0,"message":"ok","data":{}}"#,
            r#"{"type":"message","content":[{"type":"text","text":"error"}],"note":"x"}"#,
            r#"{"success":true,"errors":[],"result":{"error":"none"}}"#,
            "[]",
        ] {
            assert!(!fails_with(body), "{body}");
        }
    }
}
