//! Values that wait to be filled in, as examples have them.

/// The shortest run of one letter 'x' that no real key has.
const MASK_LENGTH_MIN: usize = 6;

/// Whole values that stand for "fill me in".
const PLACEHOLDERS: [&str; 16] = [
    "changeme",
    "change-me",
    "change_me",
    "replaceme",
    "replace-me",
    "replace_me",
    "todo",
    "tbd",
    "none",
    "null",
    "dummy",
    "placeholder",
    "secret",
    "key",
    "apikey",
    "api_key",
];
/// Parts that only a value to be filled in has.
const PLACEHOLDER_PARTS: [&str; 10] = [
    "your_", "your-", "your ", "yourkey", "insert_", "insert-", "_here", "-here", "...", "\u{2026}",
];

/// Whether a value waits to be filled in.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let value = value.to_lowercase();
    let value = zeroize::Zeroizing::new(value);
    let bracketed = value.contains('<') && value.contains('>');
    bracketed
        || PLACEHOLDERS.contains(&value.as_str())
        || PLACEHOLDER_PARTS.iter().any(|part| value.contains(part))
        || is_masked(&value)
}

/// `xxx`, `sk-xxxx`, `sk-proj-xxxxxxxxxxxx`, `****`.
fn is_masked(value: &str) -> bool {
    let last = value.rsplit(['-', '_']).next().unwrap_or(value);
    let all = |letter: char| last.len() >= 3 && last.chars().all(|c| c == letter);
    all('x') || all('*') || value.contains(&"x".repeat(MASK_LENGTH_MIN)) || value.contains("***")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_examples_have_is_told_from_keys() {
        for value in ["your-key-here", "sk-xxxx", "<key>", "TODO"] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in ["sk-proj-Ab3_xZ9-qqXx0", "AIzaSyD-9tSrke72I6Sn"] {
            assert!(!is_placeholder(value), "{value}");
        }
    }
}
