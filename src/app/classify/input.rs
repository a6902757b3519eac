//! A response as text: as curl prints it, or as JSON.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::surrogates::paired;
use crate::domain::classify::{kept_of_body, kept_of_headers};

/// A response that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) provider: Option<String>,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// As JSON. Written by many tools, so that most types are taken for what they mean.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    headers: Value,
    /// As written, however deep it is.
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
}

impl Received {
    /// Reads either form.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Self::parse_json(bytes).map_err(|what| format!("standard input {what}"));
        }
        Self::parse_http(bytes)
    }

    /// Reads a JSON object. Bytes that are no UTF-8 are replaced, and so are halves of characters: a log may have cut them.
    pub(super) fn parse_json(bytes: &[u8]) -> Result<Self, String> {
        let text = paired(&String::from_utf8_lossy(bytes));
        let line: Line<'_> = serde_json::from_str(&text).map_err(|error| {
            let column = error.column();
            format!("is no JSON object with status, headers and body (column {column})")
        })?;
        Ok(Self {
            provider: line.provider,
            status: status_of(&line.status)?,
            headers: headers_of(&line.headers),
            body: line.body.map(body_of).unwrap_or_default(),
        })
    }

    /// Reads what curl -i prints. Interim answers and those of proxies come first; the last status line counts.
    fn parse_http(bytes: &[u8]) -> Result<Self, String> {
        let mut rest = bytes;
        let mut received = None;
        while rest.starts_with(b"HTTP/") {
            let (head, after) = split_head(rest);
            received = Some(parse_head(head)?);
            rest = after;
        }
        let Some((status, headers)) = received else {
            return Err(
                "standard input begins with neither a status line, such as 'HTTP/1.1 429', nor '{'"
                    .to_owned(),
            );
        };
        Ok(Self {
            provider: None,
            status,
            headers,
            body: kept_of_body(rest).into_owned(),
        })
    }
}

/// Up to the empty line, and what follows it.
fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut begin = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let end = begin + line.len();
        if line.trim_ascii().is_empty() {
            return (&bytes[..begin], &bytes[end..]);
        }
        begin = end;
    }
    (bytes, b"")
}

type Head = (u16, Vec<(String, Vec<u8>)>);

fn parse_head(head: &[u8]) -> Result<Head, String> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let status = first.split_whitespace().nth(1);
    let status = status.and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("{:?} is no status line", first.trim_end()))?;
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(line[..colon].trim_ascii());
        Some((name.to_lowercase(), line[colon + 1..].trim_ascii().to_vec()))
    });
    Ok((status, kept_of_headers(headers.collect())))
}

/// A number, also in quotes; none where no answer came.
fn status_of(status: &Value) -> Result<u16, String> {
    let number = match status {
        Value::Null => Some(0),
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let status = number.and_then(|number| u16::try_from(number).ok());
    let status = status.filter(|status| *status < 1_000);
    status.ok_or_else(|| "has a status that is none".to_owned())
}

/// An object of texts or lists of texts, or a list of pairs.
fn headers_of(headers: &Value) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    match headers {
        Value::Object(map) => {
            for (name, value) in map {
                add(&mut all, name, value);
            }
        }
        Value::Array(pairs) => {
            for pair in pairs {
                if let Some([Value::String(name), value]) = pair.as_array().map(Vec::as_slice) {
                    add(&mut all, name, value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    kept_of_headers(all)
}

fn add(all: &mut Vec<(String, Vec<u8>)>, name: &str, value: &Value) {
    let values = value.as_array();
    let values = values.map_or(std::slice::from_ref(value), Vec::as_slice);
    for value in values {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        all.push((name.to_lowercase(), text.into_bytes()));
    }
}

/// A text; an object is one that somebody has parsed already.
fn body_of(body: &RawValue) -> Vec<u8> {
    let text = serde_json::from_str::<String>(body.get());
    let bytes = text.unwrap_or_else(|_| body.get().to_owned());
    kept_of_body(bytes.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::classify::{BODY_BYTES_MAX, HEADERS_MAX};

    fn http(text: &[u8]) -> Received {
        Received::parse(text).unwrap()
    }

    #[test]
    fn what_curl_prints_is_read() {
        let text = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 429 \r\nRetry-After: 2\r\nbroken\r\n\r\nHello: \xff\r\n\r\nthere";
        let received = http(text);
        assert_eq!(received.status, 429);
        assert_eq!(
            received.headers,
            [("retry-after".to_owned(), b"2".to_vec())]
        );
        assert_eq!(received.body, b"Hello: \xff\r\n\r\nthere");
        assert_eq!(http(b"HTTP/1.0 502").status, 502);
    }

    #[test]
    fn json_of_many_tools_is_read() {
        let line = br#"{"status": "429", "headers": {"A": ["1", "2"], "b": 3}, "body": {"error": "x"}, "more": 1}"#;
        let received = http(line);
        assert_eq!(received.status, 429);
        assert_eq!(received.headers.len(), 3);
        assert_eq!(received.body, br#"{"error": "x"}"#);
        let pairs = http(br#"{"status": 500, "headers": [["A", "1"], 7]}"#);
        assert_eq!(pairs.headers, [("a".to_owned(), b"1".to_vec())]);
        assert_eq!(
            http(b"{\"status\": 500, \"body\": \"\xff\"}").body,
            "\u{fffd}".as_bytes()
        );
    }

    #[test]
    fn half_characters_and_any_depth_are_read() {
        let half = http(br#"{"status": 401, "body": "{\"error\": \"\ud83d invalid api key\"}"}"#);
        assert_eq!(
            half.body,
            "{\"error\": \"\u{fffd} invalid api key\"}".as_bytes()
        );
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        let deep = http(format!("{{\"status\": 400, \"body\": {open}{close}}}").as_bytes());
        assert_eq!(deep.body, b"[".repeat(BODY_BYTES_MAX));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for text in [
            &b""[..],
            b"hello",
            b"HTTP/1.1 abc",
            b"{",
            b"{\"status\": -1}",
            b"{\"status\": 70000}",
            b"{\"status\": []}",
        ] {
            assert!(Received::parse(text).is_err(), "{text:?}");
        }
        let deep = format!("{{\"status\": 1, \"body\": {}", "[".repeat(1_000_000));
        assert!(Received::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn no_more_is_kept_than_is_read() {
        let mut text = b"HTTP/1.1 500 x\n".to_vec();
        text.extend((0..1_000).flat_map(|i| format!("h{i}: v\n").into_bytes()));
        text.extend(b"\n");
        text.resize(10 * 1024 * 1024, b'x');
        let received = http(&text);
        assert_eq!(received.headers.len(), HEADERS_MAX);
        assert_eq!(received.body.len(), BODY_BYTES_MAX);
    }
}
