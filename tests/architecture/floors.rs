//! Imports point down: which floor may name which, and which crates stop at which floor.

use super::source::{Source, read};

mod refusals;

/// A folder of `src`, or a file beside the folders.
struct Floor {
    name: &'static str,
    /// The floors below that it may name.
    may_name: &'static [&'static str],
    /// Crates and modules that must not be seen here.
    must_not_see: &'static [&'static str],
}

const DOMAIN_IS_PURE: &[&str] = &[
    "tokio",
    "sqlx",
    "tonic",
    "prost",
    "axum",
    "metrics",
    "tracing",
    "getrandom",
    "rustix",
    "clap",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant",
];
const NO_WIRE_NO_TABLES: &[&str] = &["tokio", "sqlx", "tonic", "prost", "axum", "clap"];
const NO_TABLES: &[&str] = &["sqlx", "tonic", "prost", "axum", "clap"];
const NO_WIRE: &[&str] = &["tonic", "prost", "prost_types", "axum", "clap"];

/// The house, lowest floor first. `crypto` and `store` never meet; `cli` is a client and knows the contract alone, and
/// which characters nobody sees.
const FLOORS: [Floor; 12] = [
    floor("characters", &[], DOMAIN_IS_PURE),
    floor("domain", &["characters"], DOMAIN_IS_PURE),
    floor("crypto", &["domain"], NO_WIRE_NO_TABLES),
    floor("outbound", &["domain"], NO_TABLES),
    floor("store", &["domain"], NO_WIRE),
    floor("metric_names", &[], NO_WIRE_NO_TABLES),
    floor(
        "live",
        &["domain", "crypto", "store", "metric_names"],
        NO_WIRE,
    ),
    floor(
        "vault",
        &[
            "domain",
            "crypto",
            "outbound",
            "store",
            "metric_names",
            "live",
        ],
        NO_WIRE,
    ),
    floor("proto", &[], &["sqlx"]),
    floor(
        "service",
        &[
            "domain",
            "crypto",
            "store",
            "metric_names",
            "live",
            "vault",
            "proto",
        ],
        &["sqlx", "axum", "clap"],
    ),
    floor("cli", &["characters", "proto"], &["sqlx", "axum"]),
    floor(
        "app",
        &[
            "domain",
            "crypto",
            "outbound",
            "store",
            "metric_names",
            "live",
            "vault",
            "proto",
            "service",
            "cli",
        ],
        &[],
    ),
];

const fn floor(
    name: &'static str,
    may_name: &'static [&'static str],
    must_not_see: &'static [&'static str],
) -> Floor {
    Floor {
        name,
        may_name,
        must_not_see,
    }
}

/// What is wrong with the imports of a file. Files that are on no floor are a mistake too, except the map and the entrance.
fn complaints(source: &Source) -> Vec<String> {
    let inside = source.path.strip_prefix("src/").unwrap_or(&source.path);
    if inside == "lib.rs" || inside == "main.rs" {
        return Vec::new();
    }
    let name = inside.split(['/', '.']).next().unwrap_or_default();
    let Some(floor) = FLOORS.iter().find(|floor| floor.name == name) else {
        return vec![format!("{}: is on no floor", source.path)];
    };
    let upward = named_floors(&source.code)
        .into_iter()
        .filter(|named| *named != floor.name && !floor.may_name.contains(named));
    let seen = floor
        .must_not_see
        .iter()
        .filter(|path| names(&source.code, path));
    let upward = upward.map(|named| format!("{}: {name} names {named}", source.path));
    upward
        .chain(seen.map(|path| format!("{}: {name} sees {path}", source.path)))
        .collect()
}

/// The floors that a file names from the root of the crate, alone or in a group. `super::` that ends at a floor's name counts as well.
fn named_floors(code: &str) -> Vec<&'static str> {
    let mut named = Vec::new();
    for anchor in ["crate::", "super::", "keylease::"] {
        for (at, _) in code.match_indices(anchor) {
            let heads = heads(&code[at + anchor.len()..]);
            let floors = FLOORS.iter().map(|floor| floor.name);
            named.extend(floors.filter(|floor| heads.contains(floor)));
        }
    }
    named.dedup();
    named
}

/// The first segments of a path: one, or those of a group.
fn heads(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else {
        return word(path).into_iter().collect();
    };
    let mut heads: Vec<&str> = word(group.trim_start()).into_iter().collect();
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.extend(word(group[at + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !is_of_word(c)).unwrap_or(text.len());
    (end > 0).then(|| &text[..end])
}

const fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a path is used: a type wherever its name stands, and a crate or module where a path begins with it.
fn names(code: &str, path: &str) -> bool {
    let is_type = path.contains(|c: char| c.is_ascii_uppercase());
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + path.len()..];
        let is_word = !before.is_some_and(is_of_word) && !after.starts_with(is_of_word);
        let begins = before.is_none_or(|c| c != ':' && c != '.');
        let is_path =
            path.contains("::") || after.starts_with("::") || code[..at].ends_with("use ");
        is_word && (is_type || (begins && is_path))
    })
}

#[test]
fn imports_point_down() {
    let found: Vec<_> = read(&["src"]).iter().flat_map(complaints).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
