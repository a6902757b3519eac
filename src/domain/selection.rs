//! In which order the keys of one tier are tried.

/// An order over the indexes `0..count`: a first choice, then the others after it, around the circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circle {
    first: usize,
    count: usize,
}

impl Circle {
    /// Each index once.
    pub fn indexes(self) -> impl Iterator<Item = usize> {
        (self.first..self.count).chain(0..self.first)
    }
}

/// Each key in turn: `turn` counts the leases of the tier.
#[must_use]
pub fn round_robin(turn: u64, count: usize) -> Circle {
    Circle {
        first: usize::try_from(turn % count.max(1) as u64).unwrap_or(0),
        count,
    }
}

/// In proportion to weights, evenly spread: steps by the golden ratio around the total, so that after any number of turns each key
/// has had its share to within a lease or so. `cumulative` holds the running sums of the weights.
#[must_use]
pub fn weighted(turn: u64, cumulative: &[u64]) -> Circle {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let total = cumulative.last().copied().unwrap_or(1);
    let point = (u128::from(turn.wrapping_mul(GOLDEN)) * u128::from(total)) >> 64;
    Circle {
        first: cumulative.partition_point(|sum| u128::from(*sum) <= point),
        count: cumulative.len(),
    }
}

/// The least used first, the others after it; ties go by turn.
pub fn least_used(turn: u64, count: usize, mut used: impl FnMut(usize) -> u64) -> Circle {
    let around = round_robin(turn, count);
    let first = around.indexes().min_by_key(|index| used(*index));
    Circle {
        first: first.unwrap_or(0),
        count,
    }
}

/// How strongly a key is preferred for an affinity key (rendezvous hashing): the same on every replica, and a key that comes or goes
/// moves only its own share. FNV-1a with a final mix, since replicas of different releases must agree.
#[must_use]
pub fn affinity(affinity_key: &str, uid: u128) -> u64 {
    let bytes = affinity_key.bytes().chain(uid.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_robin_visits_each_key_in_turn_and_tries_the_others_after_it() {
        let firsts: Vec<_> = (0..5).map(|turn| round_robin(turn, 3).first).collect();
        assert_eq!(firsts, [0, 1, 2, 0, 1]);
        let order: Vec<_> = round_robin(1, 3).indexes().collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn no_keys_give_no_order() {
        assert_eq!(round_robin(7, 0).indexes().count(), 0);
        assert_eq!(weighted(7, &[]).indexes().count(), 0);
        assert_eq!(least_used(7, 0, |_| 0).indexes().count(), 0);
    }

    #[test]
    fn weights_are_kept_to_within_a_few_leases_at_any_time() {
        let cumulative = [1, 4, 10];
        let mut counts = [0_u64; 3];
        for turn in 0..10_000 {
            counts[weighted(turn, &cumulative).first] += 1;
            for (count, weight) in counts.iter().zip([1_u64, 3, 6]) {
                let fair = (turn + 1) * weight / 10;
                assert!(count.abs_diff(fair) <= 4, "turn {turn}: {counts:?}");
            }
        }
    }

    #[test]
    fn the_least_used_comes_first() {
        let used = [5, 2, 9];
        assert_eq!(least_used(0, 3, |i| used[i]).first, 1);
        assert_eq!(least_used(2, 3, |_| 4).first, 2);
    }

    #[test]
    fn affinity_moves_only_the_share_of_the_key_that_goes() {
        let best = |uids: &[u128], key: &str| {
            *uids.iter().max_by_key(|u| affinity(key, **u)).unwrap_or(&0)
        };
        let mut moved = 0;
        for n in 0..1_000 {
            let key = format!("session-{n}");
            let (with, without) = (best(&[1, 2, 3, 4], &key), best(&[1, 2, 3], &key));
            assert!(with == 4 || with == without);
            moved += u32::from(with == 4);
        }
        assert!((200..300).contains(&moved), "{moved}");
    }

    #[test]
    fn affinity_is_the_same_in_every_release() {
        assert_eq!(affinity("session-1", 7), 1_270_146_084_893_398_643);
    }
}
