//! Versions that a caller's word has just taken out: whoever makes probes is woken, and asks their providers.

use std::collections::HashSet;

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

/// More at once are an outage, or an attack: what finds no place is probed when it is due.
const SUSPECTS_MAX: usize = 1_024;

/// Versions that a caller's word has just taken out.
#[derive(Debug, Default)]
pub struct Suspects {
    uids: Mutex<HashSet<Uuid>>,
    noted: Notify,
}

impl Suspects {
    /// One more.
    pub fn note(&self, version: Uuid) {
        let mut uids = self.uids.lock();
        if uids.len() < SUSPECTS_MAX {
            uids.insert(version);
            self.noted.notify_one();
        }
    }

    /// One that nobody can probe yet: it is looked at again in the next round, which nobody is woken for.
    pub fn keep(&self, version: Uuid) {
        let mut uids = self.uids.lock();
        if uids.len() < SUSPECTS_MAX {
            uids.insert(version);
        }
    }

    /// Until there is one.
    pub async fn noted(&self) {
        self.noted.notified().await;
    }

    /// All of them; they are forgotten.
    #[must_use]
    pub fn take(&self) -> Vec<Uuid> {
        self.uids.lock().drain().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn suspects_wake_once_and_are_bounded() {
        let suspects = Suspects::default();
        for number in 0..2 * SUSPECTS_MAX {
            suspects.note(Uuid::from_u128(number as u128));
        }
        suspects.noted().await;
        assert_eq!(suspects.take().len(), SUSPECTS_MAX);
        assert!(suspects.take().is_empty());
    }

    #[tokio::test]
    async fn what_is_kept_for_the_next_round_wakes_nobody() {
        let suspects = Suspects::default();
        suspects.keep(Uuid::from_u128(1));
        let woken = tokio::time::timeout(std::time::Duration::from_millis(20), suspects.noted());
        assert!(woken.await.is_err());
        assert_eq!(suspects.take(), [Uuid::from_u128(1)]);
    }
}
