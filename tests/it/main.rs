//! Integration tests: one binary, one file per topic, real Postgres, real sockets, real processes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod harness;

mod a_call_without_end;
mod a_limit_over_replicas;
mod accounts;
mod advice;
mod alert_kinds;
mod alerts;
mod alerts_command;
mod bad_limits;
mod bootstrap_command;
mod callers;
mod canaries;
mod canary_rights;
mod classify;
mod cli;
mod cli_changes;
mod cli_leases;
mod concurrency;
mod configuration;
mod cooldown_bounds;
mod cooldowns;
mod cost;
mod cost_limits;
mod cost_replicas;
mod dev_command;
mod distrust;
mod distrust_leases;
mod ended;
mod explain;
mod explain_cli;
mod explain_database;
mod explain_reasons;
mod explain_rights;
mod explain_states;
mod fleet;
mod full_reports;
mod health_history;
mod hostile_reports;
mod import;
mod keys;
mod known_secrets;
mod last_reason;
mod lease_input;
mod lease_refusals;
mod lease_waits;
mod leases;
mod ledger_laws;
mod limit_kinds;
mod limits;
mod log_lines;
mod loopback;
mod losses;
mod lost_changes;
mod many_keys;
mod merges;
mod metrics;
mod migrate_command;
mod never_clears;
mod offline;
mod outage_reports;
mod pools;
mod prices;
mod private_postgres;
mod probe_ways;
mod probes;
mod queries;
mod refusal_details;
mod replays;
mod report_ids;
mod report_settles;
mod reports;
mod restart;
mod retry_tokens;
mod revoked;
mod revoked_fleet;
mod rotation_interval;
mod rotations;
mod selection;
mod silent_connections;
mod silent_database;
mod spend;
mod status;
mod stopped_replica;
mod takeover;
mod takeover_parts;
mod tamper;
mod tokens;
mod transport_refusals;
mod turns;

mod unbuilt;
mod unread_rows;
mod unreadable;
mod vault_keys;
mod verdict_policy;
mod verdicts;
