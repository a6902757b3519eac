//! Locks and atomics of the path that permits take. Under the feature `loom` they belong to a model that tries every order in which
//! threads can do what they do, and so run nowhere else.

#[cfg(not(feature = "loom"))]
pub(super) use parking_lot::Mutex;
#[cfg(not(feature = "loom"))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

#[cfg(feature = "loom")]
mod watched;

#[cfg(all(test, feature = "loom"))]
pub(super) use watched::planted;
#[cfg(feature = "loom")]
pub(super) use watched::{AtomicBool, AtomicU64, AtomicUsize, Mutex};
