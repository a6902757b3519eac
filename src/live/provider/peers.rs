//! How the versions of one provider did lately, each for itself and by model: what one alone meets is its own doing, what several meet is the
//! provider's, and what others meet with another model tells nothing.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::time::Timestamp;

/// The most versions and models that are remembered; who was heard of longest ago makes room. A few tell enough.
const PEERS_MAX: usize = 16;
/// A peer that both served and failed within this time is of a provider that browns out.
const BROWN_OUT: Duration = Duration::from_mins(1);

/// The versions that were heard of last.
#[derive(Debug, Default)]
pub(super) struct Peers(Vec<Peer>);

#[derive(Debug)]
struct Peer {
    version: Uuid,
    /// Empty where the lease named none, which may be any.
    model: String,
    succeeded: Option<Timestamp>,
    failed: Option<Timestamp>,
}

impl Peers {
    pub(super) fn succeeded(&mut self, version: Uuid, model: &str, now: Timestamp) {
        self.peer(version, model).succeeded = Some(now);
    }

    pub(super) fn failed(&mut self, version: Uuid, model: &str, now: Timestamp) {
        self.peer(version, model).failed = Some(now);
    }

    /// When another than this version last succeeded with the same model, and has not failed since: `None` also while the provider fails
    /// some uses of another, too.
    pub(super) fn others_succeeded(
        &self,
        version: Uuid,
        model: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let is_same =
            |peer: &Peer| peer.model == model || peer.model.is_empty() || model.is_empty();
        let others = || {
            let peers = self.0.iter();
            peers.filter(|peer| peer.version != version && is_same(peer))
        };
        let lately = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < BROWN_OUT);
        if others().any(|peer| lately(peer.failed) && lately(peer.succeeded)) {
            return None;
        }
        let well = others().filter(|peer| peer.succeeded >= peer.failed);
        well.filter_map(|peer| peer.succeeded).max()
    }

    fn peer(&mut self, version: Uuid, model: &str) -> &mut Peer {
        let is_it = |peer: &Peer| peer.version == version && peer.model == model;
        let known = self.0.iter().position(is_it);
        let place = known.unwrap_or_else(|| {
            if self.0.len() >= PEERS_MAX {
                let heard = |peer: &Peer| peer.succeeded.max(peer.failed);
                let oldest = (0..self.0.len()).min_by_key(|place| heard(&self.0[*place]));
                self.0.swap_remove(oldest.unwrap_or(0));
            }
            self.0.push(Peer {
                version,
                model: model.to_owned(),
                succeeded: None,
                failed: None,
            });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_versions_own_success_is_not_anothers() {
        let mut peers = Peers::default();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        peers.succeeded(a, "", at(1));
        assert_eq!(peers.others_succeeded(a, "", at(1)), None);
        peers.succeeded(b, "", at(2));
        peers.succeeded(b, "", at(3));
        assert_eq!(peers.others_succeeded(a, "", at(3)), Some(at(3)));
        assert_eq!(peers.others_succeeded(b, "", at(3)), Some(at(1)));
    }

    #[test]
    fn a_brown_out_makes_no_key_stand_alone() {
        let mut peers = Peers::default();
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        peers.succeeded(b, "", at(1));
        peers.failed(b, "", at(2));
        peers.succeeded(c, "", at(2));
        assert_eq!(peers.others_succeeded(a, "", at(3)), None);
        // What failed last is no sign that the provider is well, however long ago that is.
        peers.succeeded(b, "", at(4));
        peers.failed(b, "", at(5));
        assert_eq!(peers.others_succeeded(a, "", at(66)), Some(at(2)));
        // Another that always fails is as bad as this one, and no sign of a brown-out.
        let mut peers = Peers::default();
        peers.failed(b, "", at(2));
        peers.succeeded(c, "", at(2));
        assert_eq!(peers.others_succeeded(a, "", at(3)), Some(at(2)));
    }

    #[test]
    fn what_others_meet_with_another_model_makes_no_key_stand_alone() {
        let mut peers = Peers::default();
        let [a, b] = [1, 2].map(Uuid::from_u128);
        peers.succeeded(b, "small", at(1));
        assert_eq!(peers.others_succeeded(a, "large", at(2)), None);
        assert_eq!(peers.others_succeeded(a, "small", at(2)), Some(at(1)));
        assert_eq!(peers.others_succeeded(a, "", at(2)), Some(at(1)));
        peers.succeeded(b, "", at(3));
        assert_eq!(peers.others_succeeded(a, "large", at(3)), Some(at(3)));
    }

    #[test]
    fn peers_whose_latest_word_is_a_failure_blame_nobody() {
        let mut peers = Peers::default();
        let [a, b] = [1, 2].map(Uuid::from_u128);
        peers.succeeded(b, "large", at(1));
        peers.failed(b, "large", at(100));
        assert_eq!(peers.others_succeeded(a, "large", at(101)), None);
        assert_eq!(peers.others_succeeded(a, "large", at(200)), None);
        peers.succeeded(b, "large", at(201));
        assert_eq!(peers.others_succeeded(a, "large", at(201)), Some(at(201)));
    }

    #[test]
    fn versions_without_end_fill_no_memory() {
        let mut peers = Peers::default();
        for version in 0..1_000 {
            peers.succeeded(Uuid::from_u128(version), "", at(1));
        }
        assert_eq!(peers.0.len(), PEERS_MAX);
    }
}
