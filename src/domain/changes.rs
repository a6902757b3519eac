//! What an update has changed, in a few words for the audit: each field by its name in the contract, with its value. Never a secret.

use std::time::Duration;

use super::labels::Labels;
use super::models::Pattern;

/// The longest value, in bytes, that is shown beside the one that it replaces, or that replaces it.
const BESIDE_MAX: usize = 80;
/// The longest that is shown at all.
const SHOWN_MAX: usize = 400;

/// The fields that have changed.
#[derive(Debug, Default)]
pub struct Changes(Vec<String>);

impl Changes {
    /// Notes a field, if it has changed; `show` puts its value in words.
    pub fn field<T: PartialEq + ?Sized>(
        &mut self,
        name: &str,
        (before, after): (&T, &T),
        show: impl Fn(&T) -> String,
    ) {
        if before == after {
            return;
        }
        let (from, to) = (show(before), show(after));
        self.0.push(match (from.len(), to.len()) {
            (..=BESIDE_MAX, ..=BESIDE_MAX) => format!("{name} {from} -> {to}"),
            (_, ..=SHOWN_MAX) => format!("{name} -> {to}"),
            _ => format!("{name} changed"),
        });
    }

    /// Notes a field, if it has changed, and nothing of its value.
    pub fn name_only<T: PartialEq>(&mut self, name: &str, (before, after): (&T, &T)) {
        if before != after {
            self.0.push(format!("{name} changed"));
        }
    }

    /// All of them.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.0.is_empty() {
            return "updated, nothing changed".to_owned();
        }
        format!("updated: {}", self.0.join("; "))
    }
}

/// What need not be set, in words.
pub fn or_unset<T>(value: Option<&T>, show: impl Fn(&T) -> String) -> String {
    value.map_or_else(|| "unset".to_owned(), show)
}

/// A length of time that need not be set.
#[must_use]
pub fn time(value: &Option<Duration>) -> String {
    or_unset(value.as_ref(), |time| {
        humantime::format_duration(*time).to_string()
    })
}

/// A number that need not be set.
#[must_use]
pub fn number(value: &Option<u32>) -> String {
    or_unset(value.as_ref(), u32::to_string)
}

/// Labels. Whatever people write is quoted, so that it reads as nothing else.
#[must_use]
pub fn labels(value: &Labels) -> String {
    format!("{:?}", value.pairs())
}

/// Patterns, quoted.
#[must_use]
pub fn patterns(value: &[Pattern]) -> String {
    let texts: Vec<&str> = value.iter().map(Pattern::as_str).collect();
    format!("{texts:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(pairs: &[(&str, &str, &str)]) -> String {
        let mut changes = Changes::default();
        for (name, before, after) in pairs {
            changes.field(name, (*before, *after), str::to_owned);
        }
        changes.summary()
    }

    #[test]
    fn what_changed_is_named_with_both_values_and_nothing_else_is() {
        assert_eq!(
            summary(&[
                ("journal", "full", "off"),
                ("strategy", "weighted", "weighted"),
                ("mode", "enforce", "shadow"),
            ]),
            "updated: journal full -> off; mode enforce -> shadow"
        );
        assert_eq!(summary(&[("mode", "a", "a")]), "updated, nothing changed");
    }

    #[test]
    fn long_values_are_left_out_however_long_they_are() {
        let of = |length: usize| "x".repeat(length);
        let (short, long, huge) = (of(BESIDE_MAX), of(SHOWN_MAX), of(SHOWN_MAX + 1));
        assert_eq!(
            summary(&[("a", &long, &short)]),
            format!("updated: a -> {short}")
        );
        assert_eq!(
            summary(&[("a", &short, &long)]),
            format!("updated: a -> {long}")
        );
        assert_eq!(summary(&[("a", "", &huge)]), "updated: a changed");
        assert!(summary(&[("a", &huge, &long)]).len() < SHOWN_MAX + 20);
    }

    #[test]
    fn what_people_write_is_quoted() {
        let pairs = [("team".to_owned(), "x\"}; journal off -> full".to_owned())];
        let told = labels(&Labels::parse("labels", pairs).unwrap());
        assert_eq!(told, r#"{"team": "x\"}; journal off -> full"}"#);
    }
}
