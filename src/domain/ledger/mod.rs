//! The expiring-charge ledger: how limits hold over any number of replicas.
//!
//! A replica reserves a *block* of units in the database, may hand them out for D, and a caller may start for L after that. So a unit
//! reserved at one moment is used within D + L of it, and if it stays charged for C = W + D + L + eps, no window of length W ever
//! sees more than N starts. What follows is the arithmetic of that, without IO: the database's side (`clock`, `grant`, `entry`), the
//! replica's side (`block`, `held`, `budget`), and how the two meet (`work`, `page`).

pub mod block;
pub mod budget;
pub mod clock;
mod demand;
mod draw;
pub mod entry;
#[cfg(test)]
pub(crate) mod example;
pub mod grant;
pub mod held;
mod held_back;
pub mod holds;
pub mod losable;
pub mod loss;
pub mod merging;
pub mod offline;
pub mod outlast;
mod pace;
pub mod page;
pub mod reach;
pub mod renewal;
pub mod settle;
pub mod standing;
pub mod takeover;
pub mod told;
mod wait;
pub mod work;
