//! Integration tests: one binary, one file per topic, real Postgres, real sockets, real processes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod harness;

mod accounts;
mod bootstrap_command;
mod callers;
mod canaries;
mod classify;
mod cli;
mod cli_leases;
mod concurrency;
mod configuration;
mod cooldowns;
mod dev_command;
mod distrust;
mod distrust_leases;
mod fleet;
mod import;
mod keys;
mod lease_input;
mod lease_refusals;
mod lease_waits;
mod leases;
mod limit_kinds;
mod limits;
mod losses;
mod metrics;
mod migrate_command;
mod pools;
mod private_postgres;
mod queries;
mod refusal_details;
mod replays;
mod report_ids;
mod report_settles;
mod reports;
mod restart;
mod retry_tokens;
mod rotation_interval;
mod rotations;
mod selection;
mod silent_database;
mod status;
mod stopped_replica;
mod takeover;
mod tamper;
mod tokens;
mod turns;
mod two_replicas;
mod unbuilt;
mod vault_keys;
mod verdicts;
