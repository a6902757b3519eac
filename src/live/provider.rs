//! What this replica knows of one provider, by the host its accounts go to: who succeeded there last.

use parking_lot::Mutex;
use uuid::Uuid;

use crate::domain::time::Timestamp;

/// The last successes of two different versions: enough to say when another than a given one last succeeded.
#[derive(Debug, Default)]
pub struct ProviderLive {
    last: Mutex<[Option<(Uuid, Timestamp)>; 2]>,
}

impl ProviderLive {
    /// A version succeeded.
    pub fn succeeded(&self, version: Uuid, now: Timestamp) {
        let mut last = self.last.lock();
        if last[0].is_none_or(|(uid, _)| uid != version) {
            last[1] = last[0];
        }
        last[0] = Some((version, now));
    }

    /// When another than this version last succeeded.
    #[must_use]
    pub fn others_succeeded(&self, version: Uuid) -> Option<Timestamp> {
        let last = self.last.lock();
        let other = last.iter().flatten().find(|(uid, _)| *uid != version);
        other.map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_versions_own_success_is_not_anothers() {
        let provider = ProviderLive::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let at = Timestamp::from_micros;
        provider.succeeded(a, at(1));
        assert_eq!(provider.others_succeeded(a), None);
        provider.succeeded(b, at(2));
        provider.succeeded(b, at(3));
        assert_eq!(provider.others_succeeded(a), Some(at(3)));
        assert_eq!(provider.others_succeeded(b), Some(at(1)));
    }
}
