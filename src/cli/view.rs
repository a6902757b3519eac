//! What several tables show in the same words.

use super::words;
use crate::proto::{Disablement, RotationPolicy};

/// "enabled" or "disabled", for a column.
pub(crate) fn state(disablement: Option<&Disablement>) -> String {
    let word = if disablement.is_some() {
        "disabled"
    } else {
        "enabled"
    };
    word.to_owned()
}

/// Who disabled it, why, and for how long.
pub(crate) fn disablement(disablement: Option<&Disablement>) -> String {
    let Some(disablement) = disablement else {
        return "enabled".into();
    };
    let mut text = format!("disabled: {}", words::printable(&disablement.reason));
    if !disablement.by.is_empty() {
        text += &format!(", by {}", disablement.by);
    }
    if disablement.since.is_some() {
        text += &format!(", since {}", words::time(disablement.since.as_ref()));
    }
    if disablement.until.is_some() {
        text += &format!(", until {}", words::time(disablement.until.as_ref()));
    }
    text
}

/// The interval in words.
pub(crate) fn rotation_interval(policy: Option<&RotationPolicy>) -> String {
    words::proto_duration(policy.and_then(|policy| policy.interval.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disablement_says_why_who_and_until_when() {
        let text = disablement(Some(&Disablement {
            reason: "invoice\u{1b} unpaid".into(),
            since: None,
            until: Some(prost_types::Timestamp {
                seconds: 60,
                nanos: 0,
            }),
            by: "callers/ana".into(),
        }));
        assert_eq!(
            text,
            "disabled: invoice  unpaid, by callers/ana, until 1970-01-01T00:01:00Z"
        );
        assert_eq!(disablement(None), "enabled");
    }
}
