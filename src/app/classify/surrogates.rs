//! Escapes of one half of a character, which JSON may be written with and no text can hold: logs cut characters in two.

/// What stands for a half.
const REPLACEMENT: &str = "\\ufffd";
/// How long an escape of a unit is: `\u` and four digits.
const ESCAPE_BYTES: usize = 6;

/// The same JSON, with each half that lacks the other replaced.
pub(super) fn paired(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let is_paired = || matches!(unit(&escape[ESCAPE_BYTES..]), Some(0xdc00..=0xdfff));
        let (kept, length) = match unit(escape) {
            Some(0xd800..=0xdbff) if is_paired() => (&escape[..2 * ESCAPE_BYTES], 2 * ESCAPE_BYTES),
            Some(0xd800..=0xdfff) => (REPLACEMENT, ESCAPE_BYTES),
            // A backslash and what it escapes: another backslash begins none.
            Some(_) | None => {
                let length = escape.chars().take(2).map(char::len_utf8).sum();
                (&escape[..length], length)
            }
        };
        out.push_str(kept);
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}

/// The unit of UTF-16 that an escape at the beginning of a text stands for.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_replaced_and_nothing_else() {
        for (json, expected) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uDE00 x\ud83d\n""#, r#""\ufffd x\ufffd\n""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\ude00 \u4f59""#, r#""\ud83d\ude00 \u4f59""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            ("\"\\é\\u12\"", "\"\\é\\u12\""),
            ("\\", "\\"),
        ] {
            assert_eq!(paired(json), expected);
        }
    }
}
