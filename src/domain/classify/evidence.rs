//! What a response says, taken apart once for all rules.

use super::inner::Told;
use super::scan::{Field, scan};
use super::text::{Words, without_tags};
use super::{HEADER_VALUE_BYTES_MAX, HEADERS_MAX, Response, inner, kept_of_body};

/// The longest value that may be a code.
const CODE_BYTES_MAX: usize = 80;
/// The longest one with spaces in it: `Too Many Requests`.
const SPACED_CODE_BYTES_MAX: usize = 32;
/// Short values under these names are never codes, and may say anything.
const NEVER_CODES: [&str; 10] = [
    "param",
    "model",
    "id",
    "request_id",
    "user_id",
    "provider_name",
    "domain",
    "service",
    "location",
    "locale",
];
/// What was asked for is as it was when it was asked for before.
const NOT_MODIFIED: u16 = 304;
/// Headers that may hold a code in `error="…"`.
const CHALLENGE_HEADER: &str = "www-authenticate";
/// Headers whose value, up to a colon, is a code.
const CODE_HEADERS: [&str; 3] = ["x-amzn-errortype", "x-ms-error-code", "x-error-code"];

/// What a body may begin with before it says anything.
const BLANKS: [char; 5] = ['\u{feff}', ' ', '\t', '\r', '\n'];

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Empty,
    Json,
    /// Server-sent events.
    Events,
    Html,
    Text,
}

/// What a response says.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The status, or the one inside of a 200.
    pub(super) status: u16,
    /// Lower-case names.
    pub(super) headers: Vec<(String, String)>,
    /// The body's scalars, if it has any.
    pub(super) fields: Vec<Field>,
    /// Short values of fields and headers, as [`code_of`] writes them.
    pub(super) codes: Vec<String>,
    /// The body's words.
    pub(super) words: Words,
    /// How the body is written.
    pub(super) shape: Shape,
    /// Whether it is a failure: outright, unless its status says that all is well.
    pub(super) told: Told,
}

impl Evidence {
    /// Takes a response apart; beyond the bounds nothing is read.
    pub(super) fn of(response: &Response<'_>) -> Self {
        let headers = headers_of(response.headers);
        let body = kept_of_body(response.body);
        let body = String::from_utf8_lossy(&body);
        let body = without_status(&body);
        let shape = shape_of(body);
        let mut fields = fields_of(body, shape);
        let mut status = response.status;
        let mut told = Told::Outright;
        if status == NOT_MODIFIED {
            told = Told::Not;
        } else if !(300..600).contains(&status) {
            let all = fields.len();
            fields.retain(inner::may_tell_of_failure);
            let words = words_of(body, shape, &fields);
            if status != 0 {
                told = inner::fails(&fields, shape, &words, fields.len() == all);
            }
            status = inner::status(&fields).unwrap_or(status);
        }
        let words = words_of(body, shape, &fields);
        let codes = codes_of(&headers, &fields);
        Self {
            status,
            headers,
            fields,
            codes,
            words,
            shape,
            told,
        }
    }

    /// The first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A code without what differs between providers that mean the same: case, signs, and the word "error" or "exception" at its end.
pub(super) fn code_of(value: &str) -> String {
    let plain = value.chars().filter(|c| c.is_alphanumeric());
    let mut code: String = plain.flat_map(char::to_lowercase).collect();
    for ending in ["exception", "error"] {
        if let Some(rest) = code.strip_suffix(ending) {
            code.truncate(rest.len());
        }
    }
    code
}

fn headers_of(headers: &[(String, Vec<u8>)]) -> Vec<(String, String)> {
    let read = headers.iter().take(HEADERS_MAX).map(|(name, value)| {
        let value = &value[..value.len().min(HEADER_VALUE_BYTES_MAX)];
        let value = String::from_utf8_lossy(value).trim().to_owned();
        (name.to_ascii_lowercase(), value)
    });
    read.collect()
}

/// Whether a body that begins so is a stream of events.
pub(super) fn begins_events(body: &str) -> bool {
    let begin = body.trim_start_matches(BLANKS);
    ["data:", "event:", ": "]
        .iter()
        .any(|field| begin.starts_with(field))
}

/// Libraries put the status before a body that is JSON: `400 {"error": …}`.
fn without_status(body: &str) -> &str {
    let Some((status, rest)) = body.trim_start_matches(BLANKS).split_at_checked(3) else {
        return body;
    };
    let is_json = rest.trim_start_matches(BLANKS).starts_with(['{', '[', '"']);
    let is_status = status.bytes().all(|byte| byte.is_ascii_digit());
    if is_status && is_json { rest } else { body }
}

fn shape_of(body: &str) -> Shape {
    let begin = body.trim_start_matches(BLANKS);
    if begin.is_empty() {
        return Shape::Empty;
    }
    if begins_events(begin) {
        return Shape::Events;
    }
    let is_page = begin.starts_with('<') && !begin.starts_with("<?xml");
    if is_page {
        return Shape::Html;
    }
    if begin.starts_with(['{', '[', '"']) {
        return Shape::Json;
    }
    Shape::Text
}

fn fields_of(body: &str, shape: Shape) -> Vec<Field> {
    let mut fields = Vec::new();
    match shape {
        Shape::Json => scan(body, &mut fields),
        Shape::Events => {
            for line in body.lines() {
                if let Some(data) = line.strip_prefix("data:") {
                    scan(data, &mut fields);
                } else if let Some(event) = line.strip_prefix("event:") {
                    fields.push(Field {
                        path: "event".to_owned(),
                        value: event.trim().to_owned(),
                        is_text: true,
                    });
                }
            }
        }
        // Libraries put words before the body: `429 Too Many Requests: {"error": …}`.
        Shape::Text => {
            if let Some(begin) = body.find("{\"").or_else(|| body.find("[{")) {
                scan(&body[begin..], &mut fields);
            }
        }
        Shape::Html | Shape::Empty => {}
    }
    fields
}

fn words_of(body: &str, shape: Shape, fields: &[Field]) -> Words {
    let mut words = Words::default();
    match shape {
        Shape::Html => words.add(&without_tags(body)),
        Shape::Text => words.add(body),
        Shape::Json | Shape::Events => {
            for field in fields.iter().filter(|field| is_prose(field)) {
                words.add(&field.value);
            }
        }
        Shape::Empty => {}
    }
    words
}

/// Whether a field is text for people. A code is none: `invalid_request_error` says nothing of an invalid key.
fn is_prose(field: &Field) -> bool {
    let is_word = |c: char| c.is_ascii() && !c.is_whitespace();
    field.is_text && !field.value.chars().all(is_word)
}

fn codes_of(headers: &[(String, String)], fields: &[Field]) -> Vec<String> {
    let of_fields = fields.iter().filter_map(|field| {
        let is_spaced = field.value.contains(char::is_whitespace);
        let bytes_max = if is_spaced {
            SPACED_CODE_BYTES_MAX
        } else {
            CODE_BYTES_MAX
        };
        let may_be = field.value.len() <= bytes_max && !NEVER_CODES.contains(&field.name());
        // AWS writes the service before it: `com.amazon.coral.service#ThrottlingException`.
        may_be.then(|| field.value.rsplit('#').next().unwrap_or_default())
    });
    let of_headers = headers.iter().filter_map(|(name, value)| {
        if name == CHALLENGE_HEADER {
            let (_, error) = value.split_once("error=\"")?;
            return error.split('"').next();
        }
        let is_code = CODE_HEADERS.contains(&name.as_str());
        is_code.then(|| value.split(':').next().unwrap_or_default())
    });
    let codes = of_fields.chain(of_headers).map(code_of);
    codes.filter(|code| !code.is_empty()).collect()
}

#[cfg(test)]
mod tests;
