//! Integration tests: one binary, one file per topic, real Postgres, real sockets, real processes.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod harness;

mod accounts;
mod bootstrap_command;
mod callers;
mod classify;
mod configuration;
mod dev_command;
mod import;
mod keys;
mod limits;
mod migrate_command;
mod pools;
mod private_postgres;
mod rotations;
mod status;
mod tokens;
mod vault_keys;
