//! Our Rust files, with comments and literals blanked out so that only code is searched.

use std::path::{Path, PathBuf};

/// One file.
pub(super) struct Source {
    /// Its path from the root of the repository.
    pub(super) path: String,
    /// Its text without comments and what stands between quotes, line for line.
    pub(super) code: String,
}

impl Source {
    /// Of text that claims to stand at a path.
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            code: blank(text),
        }
    }

    /// Its lines, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }

    /// Whether it lies in one of these folders, or is one of these files.
    pub(super) fn is_under(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            let rest = self.path.strip_prefix(place);
            rest.is_some_and(|rest| rest.is_empty() || place.ends_with('/'))
        })
    }
}

/// The root of the repository.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under these folders of the repository. None at all is a mistake in the caller.
pub(super) fn read(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut paths);
    }
    assert!(paths.len() > 10, "no sources in {folders:?}");
    paths.sort();
    let source = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root()).unwrap();
        Source::new(&path.to_string_lossy(), &text)
    };
    paths.iter().map(source).collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Blanks out comments and literals. Line breaks stay, so that lines keep their numbers.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest, code.chars().last());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(
                rest[..length]
                    .chars()
                    .map(|c| if c == '\n' { c } else { ' ' }),
            );
            rest = &rest[length..];
        }
    }
    code
}

/// How many bytes of a comment or literal begin here; 0 if none does.
fn skipped(rest: &str, before: Option<char>) -> usize {
    let to = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return to("*/", 2);
    }
    let hashes = rest
        .strip_prefix('r')
        .map(|raw| raw.len() - raw.trim_start_matches('#').len());
    let is_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if let Some(hashes) = hashes
        .filter(|hashes| rest[1 + hashes..].starts_with('"') && (!is_word || before == Some('b')))
    {
        return to(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
    }
    match rest.as_bytes() {
        [b'"', ..] => quoted(rest, '"'),
        [b'\'', b'\\', ..] => quoted(rest, '\''),
        [b'\'', ..] if rest.chars().nth(2) == Some('\'') => quoted(rest, '\''),
        _ => 0,
    }
}

/// The length of a literal that ends at the first of these quotes that no backslash protects.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + 1;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest.len()
}

#[test]
fn comments_and_literals_are_blanked_out_and_nothing_else() {
    let text = "a(\"crate::store // \\\" x\", 'b', '\\'', r#\"q\" r\"#, b\"y\") // crate::live\n/* sqlx\n */ fn f<'a>(x: &'a str) {}\n";
    let code = Source::new("src/x.rs", text).code;
    for gone in ["store", "live", "sqlx", "q\"", "y", "\\"] {
        assert!(!code.contains(gone), "{gone} is left in {code}");
    }
    assert!(code.contains("fn f<'a>(x: &'a str) {}"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
}
