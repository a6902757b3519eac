//! The same as in production, watched by the model, and with one bug that can be planted: a store that is done late.

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use loom::sync::atomic;
pub(in crate::live) use loom::sync::atomic::{AtomicU64, AtomicUsize};

/// A lock that does not know of poison.
#[derive(Debug, Default)]
pub(in crate::live) struct Mutex<T>(loom::sync::Mutex<T>);

/// What is locked.
#[derive(Debug)]
pub(in crate::live) struct Guard<'a, T>(Option<loom::sync::MutexGuard<'a, T>>);

/// As in the standard library.
#[derive(Debug)]
pub(in crate::live) struct AtomicBool(Arc<atomic::AtomicBool>);

thread_local! {
    /// All threads of a model run on the one that started it.
    static IS_PLANTED: Cell<bool> = const { Cell::new(false) };
}

loom::thread_local! {
    /// Stores of this thread that wait until it has let go of a lock.
    static LATE: RefCell<Vec<(Arc<atomic::AtomicBool>, bool)>> = RefCell::new(Vec::new());
}

/// Runs a model in which what is stored before a lock is taken is seen only after it was let go of.
#[cfg(test)]
pub(in crate::live) fn planted(model: impl FnOnce()) {
    IS_PLANTED.set(true);
    model();
}

impl<T> Mutex<T> {
    /// Waits for whoever holds it.
    #[expect(clippy::unwrap_used, reason = "a panic ends the model anyway")]
    pub(in crate::live) fn lock(&self) -> Guard<'_, T> {
        Guard(Some(self.0.lock().unwrap()))
    }
}

impl AtomicBool {
    /// Holds this.
    pub(in crate::live) fn new(value: bool) -> Self {
        Self(Arc::new(atomic::AtomicBool::new(value)))
    }

    /// As in the standard library.
    pub(in crate::live) fn load(&self, order: Ordering) -> bool {
        self.0.load(order)
    }

    /// As in the standard library, unless the bug is planted.
    pub(in crate::live) fn store(&self, value: bool, order: Ordering) {
        if IS_PLANTED.get() {
            LATE.with(|late| late.borrow_mut().push((Arc::clone(&self.0), value)));
        } else {
            self.0.store(value, order);
        }
    }

    /// As in the standard library.
    pub(in crate::live) fn swap(&self, value: bool, order: Ordering) -> bool {
        self.0.swap(value, order)
    }
}

impl Default for AtomicBool {
    fn default() -> Self {
        Self::new(false)
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[expect(clippy::unwrap_used, reason = "it is there until it is dropped")]
    fn deref(&self) -> &T {
        self.0.as_ref().unwrap()
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[expect(clippy::unwrap_used, reason = "it is there until it is dropped")]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().unwrap()
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        drop(self.0.take());
        let late = LATE.with(|late| std::mem::take(&mut *late.borrow_mut()));
        for (atomic, value) in late {
            atomic.store(value, Ordering::SeqCst);
        }
    }
}
