//! Floor 6: wiring. What runs, with which configuration, in what order it starts and stops.

pub mod bootstrap;
pub mod classify;
pub mod commands;
pub mod config;
mod connection;
pub mod dev;
mod drain;
mod gate;
pub mod hardening;
mod incoming;
pub mod listeners;
pub mod master_key;
pub mod metrics;
pub mod migrate;
mod observe;
mod open_files;
pub mod opening;
mod poll;
pub mod postgres;
mod private_file;
mod reflection;
pub mod serve;
pub mod signals;
mod supervision;
pub mod telemetry;
pub mod tls;
pub mod workers;
