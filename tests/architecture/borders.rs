//! Borders that one file or one floor keeps: who makes a `Status`, who speaks SQL, and who may silence a lint.

use super::source::{Source, read};

/// Something that only a few places may write.
struct Border {
    /// What must not be written elsewhere.
    pattern: &'static str,
    /// Where it may be: folders end with a slash.
    within: &'static [&'static str],
    why: &'static str,
}

const BORDERS: [Border; 6] = [
    Border {
        pattern: "Status::",
        within: &["src/service/status.rs", "src/cli/"],
        why: "one file makes a Status",
    },
    Border {
        pattern: "sqlx::query",
        within: &["src/store/", "src/app/migrate.rs", "src/app/postgres.rs"],
        why: "all SQL is in store, except what makes databases and schemas",
    },
    Border {
        pattern: "sqlx::Error",
        within: &["src/store/", "src/app/"],
        why: "the store's own error is what other floors see",
    },
    Border {
        pattern: ".begin_with(",
        within: &[],
        why: "store::connection begins transactions, and closes those that hang",
    },
    Border {
        pattern: "pool.acquire(",
        within: &["src/store/connection.rs"],
        why: "store::connection takes connections, and closes those that hang",
    },
    Border {
        pattern: "[allow(",
        within: &["src/proto.rs"],
        why: "say #[expect(…, reason)], which complains when it is no longer needed",
    },
];

/// What floors above the store hold of a database: a pool, a connection of it, and (at a border of its own) what it failed with.
const HANDLES: [&str; 4] = [
    "sqlx::PgPool",
    "sqlx::PgConnection",
    "sqlx::{PgConnection, PgPool}",
    "sqlx::Error",
];

fn complaints(source: &Source) -> Vec<String> {
    let mut found = more_than_handles(source);
    for border in BORDERS
        .iter()
        .filter(|border| !source.is_under(border.within))
    {
        for (number, line) in source.lines() {
            if writes(line, border.pattern) {
                found.push(format!(
                    "{}:{number}: {} ({})",
                    source.path, border.pattern, border.why
                ));
            }
        }
    }
    found
}

fn more_than_handles(source: &Source) -> Vec<String> {
    if source.is_under(&["src/store/", "src/app/"]) {
        return Vec::new();
    }
    let without_handles = |line: &str| {
        HANDLES
            .iter()
            .fold(line.to_owned(), |line, handle| line.replace(handle, ""))
    };
    let more = source
        .lines()
        .filter(|(_, line)| without_handles(line).contains("sqlx::"));
    more.map(|(number, line)| {
        format!(
            "{}:{number}: more of sqlx than a handle: {}",
            source.path,
            line.trim()
        )
    })
    .collect()
}

/// Whether a line has the pattern as a word of its own: `ServingStatus::` is not `Status::`.
fn writes(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[test]
fn borders_are_kept() {
    let found: Vec<_> = read(&["src"]).iter().flat_map(complaints).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn whoever_crosses_a_border_is_refused() {
    let refused = [
        (
            "src/service/lease/mod.rs",
            "return Err(Status::internal(\"no\"));",
        ),
        (
            "src/service/status_extra.rs",
            "tonic::Status::new(code, text)",
        ),
        ("src/app/serve.rs", "sqlx::query(\"select 1\")"),
        (
            "src/vault/get_key.rs",
            "fn f(row: sqlx::postgres::PgRow) {}",
        ),
        ("src/live/registry.rs", "use sqlx::{PgPool, Row};"),
        (
            "src/live/reserve.rs",
            "fn f() -> Result<(), sqlx::Error> {}",
        ),
        (
            "src/domain/key.rs",
            "#[allow(dead_code, reason = \"later\")]",
        ),
    ];
    for (path, text) in refused {
        assert_eq!(
            complaints(&Source::new(path, text)).len(),
            1,
            "{path}: {text}"
        );
    }
    let taken = Source::new("src/app/serve.rs", "ServingStatus::Serving // Status::new");
    assert!(complaints(&taken).is_empty());
}

#[test]
fn no_file_is_let_across_a_border_that_it_does_not_cross() {
    let sources = read(&["src"]);
    for border in &BORDERS {
        for file in border.within.iter().filter(|place| !place.ends_with('/')) {
            let crosses =
                |source: &Source| source.path == **file && source.code.contains(border.pattern);
            assert!(
                sources.iter().any(crosses),
                "{file} has no {}: strike it off the list",
                border.pattern
            );
        }
    }
}
