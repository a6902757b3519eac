//! Floor 6: wiring. What runs, with which configuration, in what order it starts and stops.

pub mod config;
pub mod hardening;
pub mod metrics;
pub mod migrate;
pub mod postgres;
pub mod signals;
pub mod telemetry;
pub mod tls;
