//! Text that shows what it says: a terminal obeys nothing in it.

use std::fmt::Write as _;

use crate::characters::is_invisible;

/// Text without what would move the cursor, colour the screen or turn around the writing of whoever reads it. Whatever a server or a row
/// of its database said goes through here.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c| if is_invisible(c) { ' ' } else { c };
    text.chars().map(shown).collect()
}

/// The same for text of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// The same for lines that have been coloured here.
pub(crate) fn printable_in_colour(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut shown = printable_lines(parts.next().unwrap_or_default());
    for part in parts {
        let codes = part.strip_prefix('[').and_then(|rest| rest.split_once('m'));
        let is_code = |c: char| c.is_ascii_digit() || c == ';';
        let is_colour = codes.is_some_and(|(codes, _)| codes.chars().all(is_code));
        shown.push(if is_colour { '\u{1b}' } else { ' ' });
        shown += &printable_lines(part);
    }
    shown
}

/// JSON that nothing in it can show as something else: what is invisible, and not escaped already, can only stand in a string. Line
/// ends between its parts stay.
pub(crate) fn escaped_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_invisible(c) {
            text.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_why_from_a_provider_cannot_write_to_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a [2Jb ");
        assert_eq!(printable("a\u{202e}b\u{9b}2J"), "a b 2J");
        assert_eq!(printable_lines("a\n\u{2066}b\r\n"), "a\n b \n");
    }

    #[test]
    fn colours_are_all_that_a_terminal_obeys() {
        let said = "\u{1b}[38;5;11mhalf\u{1b}[39m\u{1b}[2J\u{1b}]0;m\n\u{202e}z";
        let shown = "\u{1b}[38;5;11mhalf\u{1b}[39m [2J ]0;m\n z";
        assert_eq!(printable_in_colour(said), shown);
    }

    #[test]
    fn json_says_the_same_without_what_nobody_sees() {
        let said = serde_json::json!({ "why": "a\u{202e}\u{9b}\u{e0041}\u{1b}b" });
        let text = escaped_json(&format!("{said:#}"));
        assert!(
            text.contains("a\\u202e\\u009b\\udb40\\udc41\\u001bb"),
            "{text}"
        );
        let again: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, said);
    }
}
