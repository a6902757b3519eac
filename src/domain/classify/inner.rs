//! Failures that hide in a 200: which fields may speak of one, whether one does, and the status it has inside.

use super::evidence::Shape;
use super::scan::Field;
use super::text::Words;

/// Where a failure is told at the top of a body. What a model wrote stands elsewhere and must not be read as one.
const ROOTS: [&str; 36] = [
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
    "error-type",
    "error_code",
    "error_description",
    "error_message",
    "error_msg",
    "errormessage",
    "errors",
    "estimated_time",
    "event",
    "fault",
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
/// What failed beside what a model wrote: in a stream's last event, and in one of several answers.
const BESIDE_ANSWERS: [&str; 2] = ["response.error", "choices.error"];
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
/// Words that say that all is well. So do zeros and a status of success, in [`says_well`].
const NOTHING: [&str; 7] = ["", "false", "ok", "none", "null", "success", "no error"];
/// Codes beside which a text is no failure's, if they say that all is well.
const CODES: [&str; 6] = [
    "base_resp.status_code",
    "errcode",
    "error_code",
    "error.code",
    "error.status",
    "status.error_code",
];
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
    ROOTS.contains(&field.root()) || is_beside_answers(&field.path)
}

fn is_beside_answers(path: &str) -> bool {
    BESIDE_ANSWERS.iter().any(|begin| path.starts_with(begin))
}

/// How a 200 speaks of a failure. The later is the stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    /// It does not.
    Not,
    /// By what successes have as well: it is one, unless a rule knows what it speaks of.
    Perhaps,
    /// Outright.
    Outright,
}

/// Whether a 200 is a failure after all. `is_whole` says that it has no other fields than these.
pub(super) fn fails(fields: &[Field], shape: Shape, words: &Words, is_whole: bool) -> Told {
    match shape {
        Shape::Html if PAGES.iter().any(|page| words.text.contains(page)) => Told::Outright,
        Shape::Json | Shape::Events | Shape::Text => {
            let told = fields.iter().map(|field| tells(field, fields, is_whole));
            told.max().unwrap_or(Told::Not)
        }
        Shape::Empty | Shape::Html => Told::Not,
    }
}

fn tells(field: &Field, all: &[Field], is_whole: bool) -> Told {
    let value = field.value.trim().to_lowercase();
    let is_bad = !says_well(&value);
    // A text beside a code that says that all is well. An empty one says nothing.
    let is_cleared = || {
        let is_code = |f: &Field| CODES.contains(&f.path.as_str()) && !f.value.trim().is_empty();
        all.iter()
            .any(|f| is_code(f) && says_well(&f.value.to_lowercase()))
    };
    let has_text = || {
        let is_text = |f: &Field| ["message", "msg", "detail"].contains(&f.path.as_str());
        let is_bad = |f: &Field| !says_well(&f.value.to_lowercase());
        all.iter().any(|f| is_text(f) && is_bad(f))
    };
    let perhaps = match field.path.as_str() {
        "event" => value == "error",
        "message" => FAILED.contains(&value.as_str()),
        "code" | "cod" => is_bad && has_text(),
        "information" | "note" => is_whole && all.len() == 1,
        _ => false,
    };
    let outright = match field.path.as_str() {
        "ok" | "success" => value == "false",
        "error" | "errors" => is_bad,
        "type" | "object" => ["error", "response.failed"].contains(&value.as_str()),
        "status" | "result" => FAILED.contains(&value.as_str()),
        path if CODES.contains(&path) => is_bad,
        path => {
            let mut begins = ["error.", "errors.", "fault."].into_iter();
            let is_of_one = FAILURE_TEXTS.contains(&path) || begins.any(|b| path.starts_with(b));
            (is_of_one || is_beside_answers(path)) && is_bad && !is_cleared()
        }
    };
    match (outright, perhaps) {
        (true, _) => Told::Outright,
        (false, true) => Told::Perhaps,
        (false, false) => Told::Not,
    }
}

/// Whether a value says that all is well: a word for it, zeros however many, or a status of success, as in `200 OK`.
fn says_well(value: &str) -> bool {
    let value = value.trim();
    let first = value.split(' ').next().unwrap_or_default();
    let is_status = first.parse().is_ok_and(|number: f64| {
        number == 0.0 || (200.0..300.0).contains(&number) || number == 20_000.0
    });
    NOTHING.contains(&value) || is_status
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
mod tests;
