//! Integration tests: one binary, one file per topic, real Postgres, real sockets, real processes.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod harness;

mod accounts;
mod callers;
mod limits;
mod pools;
mod private_postgres;
mod status;
mod tokens;
