//! Values with a `*` at one end or both.

/// A value, or what it begins with, ends with or contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Glob {
    Whole(String),
    Begin(String),
    End(String),
    Part(String),
}

impl Glob {
    /// Parses a glob whose plain part is written in the form that `plain` gives.
    pub(super) fn parse(written: &str, plain: impl Fn(&str) -> String) -> Result<Self, String> {
        let (begins, rest) = match written.strip_prefix('*') {
            Some(rest) => (false, rest),
            None => (true, written),
        };
        let (ends, rest) = match rest.strip_suffix('*') {
            Some(rest) => (false, rest),
            None => (true, rest),
        };
        if rest.contains('*') {
            return Err(format!("{written:?} must have its * at an end"));
        }
        let part = plain(rest);
        if part.is_empty() && written != "*" {
            return Err(format!("{written:?} has nothing to compare with"));
        }
        Ok(match (begins, ends) {
            (true, true) => Self::Whole(part),
            (true, false) => Self::Begin(part),
            (false, true) => Self::End(part),
            (false, false) => Self::Part(part),
        })
    }

    /// Whether a value is such a one.
    pub(super) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Whole(whole) => value == whole,
            Self::Begin(begin) => value.starts_with(begin.as_str()),
            Self::End(end) => value.ends_with(end.as_str()),
            Self::Part(part) => value.contains(part.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_at_the_ends() {
        let glob = |written: &str| Glob::parse(written, str::to_lowercase);
        for (written, value, expected) in [
            ("A", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*", "", true),
            ("*x*", "axb", true),
            ("*x*", "ab", false),
        ] {
            assert_eq!(glob(written).unwrap().matches(value), expected, "{written}");
        }
        assert!(glob("a*b").is_err());
        assert!(glob("**").is_err());
        assert!(glob("").is_err());
    }
}
