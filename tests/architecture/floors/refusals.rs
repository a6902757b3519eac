//! Imports that must be refused, and some that must not.

use super::super::source::Source;
use super::complaints;

const REFUSED: [(&str, &str, &str); 13] = [
    (
        "src/domain/x.rs",
        "use crate::store::keys;",
        "domain names store",
    ),
    (
        "src/domain/x.rs",
        "use std::fs;\nuse tokio::sync::Mutex;",
        "domain sees tokio",
    ),
    (
        "src/domain/x.rs",
        "let now = std::time::SystemTime::now();",
        "domain sees SystemTime::now",
    ),
    ("src/crypto/x.rs", "use crate::store;", "crypto names store"),
    (
        "src/store/x.rs",
        "use crate::{domain::name::Name, crypto::Secret};",
        "store names crypto",
    ),
    (
        "src/store/x/y.rs",
        "use super::super::crypto::Secret;",
        "store names crypto",
    ),
    (
        "src/live/x.rs",
        "fn f() { crate::vault::open(); }",
        "live names vault",
    ),
    (
        "src/vault/x.rs",
        "use crate::proto::Key;",
        "vault names proto",
    ),
    (
        "src/vault/x.rs",
        "fn f() -> tonic::Status {}",
        "vault sees tonic",
    ),
    (
        "src/service/x.rs",
        "use crate::app::serve;",
        "service names app",
    ),
    ("src/service/x.rs", "use sqlx::PgPool;", "service sees sqlx"),
    (
        "src/cli/x.rs",
        "use crate::{\n    proto,\n    domain::time::{Timestamp, BootTime},\n};",
        "cli names domain",
    ),
    ("src/attic/x.rs", "", "on no floor"),
];

#[test]
fn imports_that_point_up_or_sideways_are_refused() {
    for (path, text, complaint) in REFUSED {
        let found = complaints(&Source::new(path, text));
        assert!(
            found.iter().any(|c| c.contains(complaint)),
            "{path}: {text}: {found:?}"
        );
    }
}

#[test]
fn imports_that_point_down_are_taken() {
    let taken = [
        (
            "src/live/x.rs",
            "use crate::{crypto::Secret, store::keys};\n// crate::vault is above",
        ),
        (
            "src/vault/x.rs",
            "use super::keys; use crate::live::Live; let prost = 1;",
        ),
        (
            "src/cli/status.rs",
            "use super::status; use crate::cli::view;",
        ),
    ];
    for (path, text) in taken {
        let found = complaints(&Source::new(path, text));
        assert!(found.is_empty(), "{found:?}");
    }
}
