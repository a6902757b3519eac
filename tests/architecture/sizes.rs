//! Sizes that a reader can hold in mind: files under 250 lines, functions under 60.

use super::source::{Source, read, root};

const FILE_LINES_MAX: usize = 250;
const FUNCTION_LINES_MAX: usize = 60;

/// Files that are too long, and how long each may be until it is split. This list only shrinks.
const LONG_FILES: &[(&str, usize)] = &[
    ("src/domain/ledger/budget.rs", 295),
    ("src/domain/ledger/held.rs", 380),
    ("tests/it/accounts.rs", 410),
    ("tests/it/canaries/planted.rs", 290),
    ("tests/it/keys.rs", 371),
    ("tests/it/pools.rs", 278),
    ("tests/it/status.rs", 287),
    ("tests/it/vault_keys.rs", 280),
];

/// Functions that are too long, and how long each may be until it is split. This list only shrinks.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[
    (
        "tests/it/accounts.rs",
        "an_account_is_created_read_listed_changed_disabled_enabled_and_deleted",
        68,
    ),
    ("tests/it/canaries/planted.rs", "misplace", 61),
    (
        "tests/it/lease_input.rs",
        "bad_input_is_refused_by_the_name_of_its_field_and_harms_nobody",
        109,
    ),
    ("tests/it/restart.rs", "nothing_acknowledged_is_lost", 62),
];

/// A function and how many lines it has, from its name to its closing brace.
struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// The functions of a file that have a body, nested ones too.
fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let is_keyword = code[..at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace);
        let rest = &code[at + 3..];
        let end_of_name = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(0);
        if let Some(length) = (is_keyword && end_of_name > 0)
            .then(|| length_of(rest))
            .flatten()
        {
            found.push(Function {
                name: &rest[..end_of_name],
                line: code[..at].lines().count().max(1),
                lines: rest[..length].lines().count(),
            });
        }
    }
    found
}

/// Bytes up to the brace that closes the body; `None` where a semicolon stands in its place.
fn length_of(function: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, c) in function.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn complaints(
    source: &Source,
    long_files: &[(&str, usize)],
    long_functions: &[(&str, &str, usize)],
) -> Vec<String> {
    let mut found = Vec::new();
    let excused = long_files.iter().find(|(path, _)| *path == source.path);
    let max = excused.map_or(FILE_LINES_MAX, |(_, max)| *max);
    let lines = source.code.lines().count();
    if lines > max {
        found.push(format!(
            "{}: {lines} lines, at most {max}: split it",
            source.path
        ));
    }
    for function in functions(&source.code) {
        let mut excuses = long_functions.iter();
        let excused =
            excuses.find(|(path, name, _)| *path == source.path && *name == function.name);
        let max = excused.map_or(FUNCTION_LINES_MAX, |(_, _, max)| *max);
        if function.lines > max {
            let Function { name, line, lines } = function;
            found.push(format!(
                "{}:{line}: {name} has {lines} lines, at most {max}: split it",
                source.path
            ));
        }
    }
    found
}

fn everything() -> Vec<Source> {
    read(&["src", "tests", "stand-in", "examples"])
}

#[test]
fn files_and_functions_are_short() {
    let check = |source: &Source| complaints(source, LONG_FILES, LONG_FUNCTIONS);
    let found: Vec<_> = everything().iter().flat_map(check).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn long_files_and_functions_are_refused() {
    let line = "    let x = [0; 4];\n";
    let body = |lines: usize| format!("fn f() -> [u8; 2] {{\n{}}}\n", line.repeat(lines - 2));
    let complaints = |text: &str| {
        complaints(
            &Source::new("src/x.rs", text),
            &[],
            &[("src/y.rs", "f", 99)],
        )
    };
    assert_eq!(complaints(&body(60)), [""; 0]);
    assert_eq!(complaints(&body(61)).len(), 1);
    assert_eq!(complaints(&format!("impl X {{\n{}}}\n", body(61))).len(), 1);
    assert_eq!(complaints(&"fn f() {}\n".repeat(250)), [""; 0]);
    assert_eq!(complaints(&"fn f() {}\n".repeat(251)).len(), 1);
    let trait_only = format!(
        "trait X {{\n    fn f();\n{}}}\n",
        "    const X: u8 = 1;\n".repeat(70)
    );
    assert_eq!(complaints(&trait_only), [""; 0]);
}

/// An excuse that nobody needs any more is struck off, so that what was mended stays mended.
#[test]
fn only_what_is_too_long_is_excused() {
    let sources = everything();
    for (path, _) in LONG_FILES {
        let lines =
            std::fs::read_to_string(root().join(path)).map_or(0, |text| text.lines().count());
        assert!(
            lines > FILE_LINES_MAX,
            "{path} has {lines} lines: strike it off the list"
        );
    }
    for (path, name, _) in LONG_FUNCTIONS {
        let source = sources.iter().find(|source| source.path == *path);
        let too_long = |f: &Function<'_>| f.name == *name && f.lines > FUNCTION_LINES_MAX;
        let is_needed = source.is_some_and(|source| functions(&source.code).iter().any(too_long));
        assert!(
            is_needed,
            "{name} in {path} is short or gone: strike it off the list"
        );
    }
}
