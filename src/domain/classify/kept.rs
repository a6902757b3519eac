//! What is kept of a response that is larger than what is read: the parts that tell most.

use std::borrow::Cow;

use super::delay::is_told;
use super::evidence::begins_events;
use super::{BODY_BYTES_MAX, HEADERS_MAX};

/// Of a stream, its beginning tells what it is, and its end what went wrong with it.
const STREAM_HEAD_BYTES: usize = 1024;

/// At most [`BODY_BYTES_MAX`] bytes: of a stream of events a quarter from its beginning and the rest from its end, else the beginning.
#[must_use]
pub fn kept_of_body(body: &[u8]) -> Cow<'_, [u8]> {
    if body.len() <= BODY_BYTES_MAX {
        return Cow::Borrowed(body);
    }
    let head = &body[..STREAM_HEAD_BYTES];
    if !begins_events(&String::from_utf8_lossy(head)) {
        return Cow::Borrowed(&body[..BODY_BYTES_MAX]);
    }
    // A line that is cut on both sides is none.
    let between = b"\n";
    let tail = &body[body.len() - (BODY_BYTES_MAX - head.len() - between.len())..];
    Cow::Owned([head, between, tail].concat())
}

/// At most [`HEADERS_MAX`] headers: of more, those that say when to come back, and then the first.
#[must_use]
pub fn kept_of_headers(mut headers: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    if headers.len() > HEADERS_MAX {
        headers.sort_by_key(|(name, _)| !is_told(&name.to_ascii_lowercase()));
        headers.truncate(HEADERS_MAX);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_stream_is_kept_and_of_another_body_the_beginning() {
        let mut body = b"data: {\"first\":1}\n\n".to_vec();
        body.extend(b"data: {\"delta\":\"x\"}\n\n".repeat(1_000));
        body.extend(b"data: {\"last\":1}\n\n");
        let kept = kept_of_body(&body);
        assert_eq!(kept.len(), BODY_BYTES_MAX);
        assert!(kept.starts_with(b"data: {\"first\""));
        assert!(kept.ends_with(b"data: {\"last\":1}\n\n"));
        let page = [b"<html>".as_slice(), &body].concat();
        assert_eq!(kept_of_body(&page), &page[..BODY_BYTES_MAX]);
        assert_eq!(kept_of_body(b"data: x"), b"data: x".as_slice());
    }

    #[test]
    fn what_says_when_to_come_back_is_kept_however_late_it_comes() {
        let mut headers = vec![("x-other".to_owned(), Vec::new()); 1_000];
        headers.push(("Retry-After".to_owned(), b"7".to_vec()));
        let kept = kept_of_headers(headers);
        assert_eq!(kept.len(), HEADERS_MAX);
        assert_eq!(kept[0].1, b"7");
    }
}
