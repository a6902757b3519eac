//! How the versions of one provider did lately, each for itself: what one alone meets is its own doing, what several meet is the provider's.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::time::Timestamp;

/// The most versions that are remembered; who was heard of longest ago makes room. A few tell enough.
const PEERS_MAX: usize = 8;
/// A peer that both served and failed within this time is of a provider that browns out.
const BROWN_OUT: Duration = Duration::from_mins(1);

/// The versions that were heard of last.
#[derive(Debug, Default)]
pub(super) struct Peers(Vec<Peer>);

#[derive(Debug)]
struct Peer {
    version: Uuid,
    succeeded: Option<Timestamp>,
    failed: Option<Timestamp>,
}

impl Peers {
    pub(super) fn succeeded(&mut self, version: Uuid, now: Timestamp) {
        self.peer(version).succeeded = Some(now);
    }

    pub(super) fn failed(&mut self, version: Uuid, now: Timestamp) {
        self.peer(version).failed = Some(now);
    }

    /// When another than this version last succeeded: `None` also while the provider fails some uses of another, too.
    pub(super) fn others_succeeded(&self, version: Uuid, now: Timestamp) -> Option<Timestamp> {
        let others = || self.0.iter().filter(|peer| peer.version != version);
        let lately = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) < BROWN_OUT);
        if others().any(|peer| lately(peer.failed) && lately(peer.succeeded)) {
            return None;
        }
        others().filter_map(|peer| peer.succeeded).max()
    }

    fn peer(&mut self, version: Uuid) -> &mut Peer {
        let known = self.0.iter().position(|peer| peer.version == version);
        let place = known.unwrap_or_else(|| {
            if self.0.len() >= PEERS_MAX {
                let heard = |peer: &Peer| peer.succeeded.max(peer.failed);
                let oldest = (0..self.0.len()).min_by_key(|place| heard(&self.0[*place]));
                self.0.swap_remove(oldest.unwrap_or(0));
            }
            self.0.push(Peer {
                version,
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
        peers.succeeded(a, at(1));
        assert_eq!(peers.others_succeeded(a, at(1)), None);
        peers.succeeded(b, at(2));
        peers.succeeded(b, at(3));
        assert_eq!(peers.others_succeeded(a, at(3)), Some(at(3)));
        assert_eq!(peers.others_succeeded(b, at(3)), Some(at(1)));
    }

    #[test]
    fn a_brown_out_makes_no_key_stand_alone() {
        let mut peers = Peers::default();
        let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
        peers.succeeded(b, at(1));
        peers.failed(b, at(2));
        peers.succeeded(c, at(2));
        assert_eq!(peers.others_succeeded(a, at(3)), None);
        assert_eq!(peers.others_succeeded(a, at(62)), Some(at(2)));
        // Another that always fails is as bad as this one, and no sign of a brown-out.
        let mut peers = Peers::default();
        peers.failed(b, at(2));
        peers.succeeded(c, at(2));
        assert_eq!(peers.others_succeeded(a, at(3)), Some(at(2)));
    }

    #[test]
    fn versions_without_end_fill_no_memory() {
        let mut peers = Peers::default();
        for version in 0..1_000 {
            peers.succeeded(Uuid::from_u128(version), at(1));
        }
        assert_eq!(peers.0.len(), PEERS_MAX);
    }
}
