//! The Dockerfile compiles the dependencies with empty files in place of ours: cargo refuses to begin where a declared one is missing.

use super::source::root;

/// Where cargo looks for the targets that the manifest names.
fn declared(manifest: &toml::Table) -> Vec<String> {
    let of = |kind: &str, folder: &str| -> Vec<String> {
        let targets = manifest.get(kind).and_then(toml::Value::as_array);
        let targets = targets.into_iter().flatten();
        let names = targets.filter_map(|target| target.get("name")?.as_str());
        names
            .map(|name| format!("{folder}/{name}/main.rs"))
            .collect()
    };
    [of("test", "tests"), of("bench", "benches")].concat()
}

#[test]
fn the_image_stands_in_for_every_declared_target() {
    let text = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let declared = declared(&manifest);
    assert!(declared.len() > 1, "{declared:?}");
    let image = text("Dockerfile");
    for path in declared {
        assert!(root().join(&path).exists(), "{path}");
        assert!(image.contains(&path), "the Dockerfile lacks {path}");
    }
}
