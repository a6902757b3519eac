//! The lines of an `.env` file: names and values, with what cannot be read named by line and never repeated.

use std::borrow::Cow;

use super::plan::Problem;
use crate::cli::secret::SecretText;

/// A variable that was set.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: SecretText,
}

/// Reads every line; those that make no sense are problems.
pub(super) fn parse(bytes: &[u8]) -> (Vec<Assignment>, Vec<Problem>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut assignments = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index + 1;
        match read(line) {
            Ok(Some((name, value))) => assignments.push(Assignment {
                line: number,
                name: name.to_owned(),
                value: SecretText::new(value.into_owned()),
            }),
            Ok(None) => {}
            Err(message) => problems.push(Problem::at(number, message)),
        }
    }
    (assignments, problems)
}

/// One line: a name and a value, or nothing.
fn read(line: &[u8]) -> Result<Option<(&str, Cow<'_, str>)>, &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8")?.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        Some(_) | None => line,
    };
    let (name, value) = line
        .split_once('=')
        .ok_or("not NAME=VALUE; values of several lines are not read")?;
    let name = name.trim_end();
    if !is_name(name) {
        return Err("what stands before '=' is no name of a variable");
    }
    Ok(Some((name, unquote(value.trim_start())?)))
}

fn is_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

/// The value without quotes, escapes and a comment that follows.
fn unquote(value: &str) -> Result<Cow<'_, str>, &'static str> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inner, rest) = rest.split_once('\'').ok_or(UNCLOSED)?;
        ends(rest)?;
        return Ok(Cow::Borrowed(inner));
    }
    if let Some(rest) = value.strip_prefix('"') {
        return double_quoted(rest).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(bare(value)))
}

const UNCLOSED: &str = "the quote is not closed on its line; values of several lines are not read";

/// Without quotes, a '#' after a space begins a comment; one inside a word does not.
fn bare(value: &str) -> &str {
    if value.starts_with('#') {
        return "";
    }
    let comment = value.find(" #").or_else(|| value.find("\t#"));
    value[..comment.unwrap_or(value.len())].trim_end()
}

fn double_quoted(text: &str) -> Result<String, &'static str> {
    // As large as it can get, so that no copy of a part is left behind by growing.
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                ends(characters.as_str())?;
                return Ok(value);
            }
            '\\' => escape(characters.next().ok_or(UNCLOSED)?, &mut value),
            other => value.push(other),
        }
    }
    Err(UNCLOSED)
}

fn escape(character: char, value: &mut String) {
    match character {
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        '"' | '\\' | '$' => value.push(character),
        other => {
            value.push('\\');
            value.push(other);
        }
    }
}

/// After a closing quote only a comment may come.
fn ends(rest: &str) -> Result<(), &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        Err("something follows the closing quote")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let (assignments, problems) = parse(text.as_bytes());
        assert!(problems.is_empty(), "{problems:?}");
        let pair = |a: &Assignment| (a.name.clone(), a.value.expose().to_owned());
        assignments.iter().map(pair).collect()
    }

    fn value(line: &str) -> String {
        let values = values(line);
        assert_eq!(values.len(), 1, "{line}");
        values[0].1.clone()
    }

    #[test]
    fn quotes_exports_comments_and_spaces_are_understood() {
        for (line, expected) in [
            ("A=b", "b"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("  A = b  ", "b"),
            ("A='b # c'", "b # c"),
            ("A=\"b # c\" # d", "b # c"),
            ("A=b # c", "b"),
            ("A=b\t# c", "b"),
            ("A=b#c", "b#c"),
            ("A=", ""),
            ("A= # c", ""),
            ("A=''", ""),
            ("A=\"a\\\"b\\\\c\\n\"", "a\"b\\c\n"),
            ("A='a\\nb'", "a\\nb"),
            ("A=b=c==", "b=c=="),
            ("exporter=b", "b"),
        ] {
            assert_eq!(value(line), expected, "{line}");
        }
    }

    #[test]
    fn line_ends_and_marks_of_other_systems_are_understood() {
        let read = values("\u{feff}A=1\r\n# note\r\n\r\nB=\"2\"\r\n");
        assert_eq!(read, [("A".into(), "1".into()), ("B".into(), "2".into())]);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_line_and_not_repeated() {
        let text = b"OK=1\ncanary\nA=\"canary\nB='canary' canary\n1A=canary\nsk-canary=x\nC=\xffcanary\n=canary\n";
        let (assignments, problems) = parse(text);
        assert_eq!(assignments.len(), 1);
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8]);
        assert!(!format!("{problems:?}{assignments:?}").contains("canary"));
    }

    #[test]
    fn lines_are_counted_from_one_with_empty_ones() {
        let (assignments, _) = parse(b"\n\nA=b");
        assert_eq!(assignments[0].line, 3);
    }
}
