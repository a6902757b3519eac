//! Floor 6: wiring. What runs, with which configuration, in what order it starts and stops.

pub mod migrate;
pub mod postgres;
