//! What several tables show in the same words.

use super::{table, words};
use prost_types::Timestamp;

use crate::proto::{Disablement, Distrust, Incident, IncidentKind, RotationPolicy};

/// What an ordinary line has beside the name of its field.
const PARAGRAPH_WIDTH: usize = 58;

/// "enabled" or "disabled", for a column; what is not believed says so, whatever else it says.
pub(crate) fn state(distrust: Option<&Distrust>, disablement: Option<&Disablement>) -> String {
    if let Some(distrust) = distrust {
        return distrusted(distrust);
    }
    let word = if disablement.is_some() {
        "disabled"
    } else {
        "enabled"
    };
    word.to_owned()
}

/// In capitals, since somebody must look: "TAMPERED".
pub(crate) fn distrusted(distrust: &Distrust) -> String {
    words::enum_value(distrust.state().as_str_name(), "DISTRUST_STATE").to_uppercase()
}

/// Why something is not believed, for the details of one thing; empty for what is.
pub(crate) fn distrust(distrust: Option<&Distrust>) -> String {
    let Some(distrust) = distrust else {
        return String::new();
    };
    let why = words::printable(&distrust.why);
    paragraph(&format!("{}: {why}", distrusted(distrust)))
}

/// A sentence beside the name of its field, over as many lines as it takes.
pub(crate) fn paragraph(text: &str) -> String {
    table::wrapped(text, PARAGRAPH_WIDTH, 0)
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

/// What befalls many keys at once, since and until when, and why.
pub(crate) fn incident(incident: &Incident, now: &Timestamp) -> String {
    let until = incident.until_time.as_ref();
    let left = until.and_then(|until| words::until(until, now));
    let left = left.map(words::duration);
    let what = match (incident.kind(), left) {
        (IncidentKind::Breaker, Some(left)) => {
            format!("FAILS: no lease for {left}, then one trial")
        }
        (IncidentKind::Breaker, None) => "FAILS: the next lease is the one trial".to_owned(),
        (IncidentKind::Egress, _) => {
            "MAY BE BARRED from here: no key is blamed, leases go on".to_owned()
        }
        (IncidentKind::Brake, Some(left)) => {
            format!("IS BRAKED for {left}: no key dies for long")
        }
        (IncidentKind::Brake | IncidentKind::Unspecified, _) => "is in trouble".to_owned(),
    };
    let since = words::time(incident.since_time.as_ref());
    let (subject, why) = (&incident.subject, &incident.why);
    format!(
        "{} {what} ({}, since {since})",
        words::printable(subject),
        words::printable(why)
    )
}

/// The interval in words.
pub(crate) fn rotation_interval(policy: Option<&RotationPolicy>) -> String {
    words::proto_duration(policy.and_then(|policy| policy.interval.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::DistrustState;

    #[test]
    fn an_incident_says_what_why_since_and_until_when() {
        let at = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
        let breaker = Incident {
            kind: IncidentKind::Breaker as i32,
            subject: "providers/api.openai.com".into(),
            since_time: Some(at(0)),
            until_time: Some(at(65)),
            why: "http 503".into(),
            strikes: 1,
        };
        assert_eq!(
            incident(&breaker, &at(60)),
            "providers/api.openai.com FAILS: no lease for 5 s, then one trial (http 503, since 1970-01-01T00:00:00Z)"
        );
        let text = incident(&breaker, &at(65));
        assert!(text.contains("the next lease is the one trial"), "{text}");
    }

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

    #[test]
    fn what_is_not_believed_is_neither_enabled_nor_disabled() {
        let tampered = Distrust {
            state: DistrustState::Tampered as i32,
            why: "accounts/a was changed\u{1b}".into(),
        };
        let word = Disablement::default();
        assert_eq!(state(Some(&tampered), Some(&word)), "TAMPERED");
        assert_eq!(state(None, Some(&word)), "disabled");
        assert_eq!(state(None, None), "enabled");
        let told = distrust(Some(&tampered));
        assert_eq!(told, "TAMPERED: accounts/a was changed");
    }
}
