//! Every file is part of the program: one that no module names is not compiled, and its tests never run.

use std::path::Path;

use super::source::{Source, read};

/// Where cargo looks for the root of a library, a program or a test.
const ROOTS: [&str; 3] = ["lib.rs", "main.rs", "mod.rs"];

/// Whether some file that may do so names this one as a module.
fn is_named(path: &str, sources: &[Source]) -> bool {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    let parents = ROOTS.map(|root| format!("{folder}/{root}"));
    let beside = format!("{folder}.rs");
    let names = |source: &Source| {
        let words: Vec<&str> = source.code.split_whitespace().collect();
        let by_name = format!("{stem};");
        words
            .windows(2)
            .any(|pair| pair == ["mod", by_name.as_str()])
    };
    let is_parent = |source: &&Source| source.path == beside || parents.contains(&source.path);
    sources.iter().filter(is_parent).any(names) || is_placed(folder, file, sources)
}

/// Whether a file of the same folder places it by `#[path = "…"]`.
fn is_placed(folder: &str, file: &str, sources: &[Source]) -> bool {
    let attribute = format!("#[path = \"{file}\"]");
    let beside = |source: &&Source| Path::new(&source.path).parent() == Some(Path::new(folder));
    let text = |source: &Source| {
        std::fs::read_to_string(super::source::root().join(&source.path)).unwrap_or_default()
    };
    sources
        .iter()
        .filter(beside)
        .any(|source| text(source).contains(&attribute))
}

fn orphans(sources: &[Source]) -> Vec<&str> {
    let is_root = |path: &str| {
        path.rsplit_once('/')
            .is_none_or(|(folder, file)| ROOTS.contains(&file) || folder == "tests")
    };
    let paths = sources.iter().map(|source| source.path.as_str());
    paths
        .filter(|path| !is_root(path) && !is_named(path, sources))
        .collect()
}

#[test]
fn every_file_is_compiled() {
    let sources = read(&["src", "tests"]);
    let orphans = orphans(&sources);
    assert!(orphans.is_empty(), "no module names {orphans:?}");
}

#[test]
fn a_file_that_no_module_names_is_found() {
    let sources = [
        Source::new("src/lib.rs", "pub mod a; // mod lost;"),
        Source::new("src/a.rs", "mod b;"),
        Source::new("src/a/b.rs", ""),
        Source::new("src/a/lost.rs", ""),
        Source::new("src/lost.rs", ""),
    ];
    assert_eq!(orphans(&sources), ["src/a/lost.rs", "src/lost.rs"]);
}
