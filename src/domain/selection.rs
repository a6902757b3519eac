//! Which key of a tier is tried first: the others follow it, around the circle.

/// The most keys that are looked at for the least used of them: a lease from a large pool must not cost more than one from a small pool.
const LOOKED_AT_MAX: usize = 32;

/// Each key in turn: `turn` counts the leases of the tier.
#[must_use]
pub fn round_robin(turn: u64, count: usize) -> usize {
    usize::try_from(turn % count.max(1) as u64).unwrap_or(0)
}

/// In proportion to weights, evenly spread: steps by the golden ratio around the total, so that after any number of turns each key
/// has had its share to within a lease or so. The point is below the total: whoever's weight it falls into, once all are summed up, is
/// the first.
#[must_use]
pub fn weighted(turn: u64, total: u64) -> u64 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let point = (u128::from(turn.wrapping_mul(GOLDEN)) * u128::from(total)) >> 64;
    u64::try_from(point).unwrap_or(0)
}

/// The least used; ties go by turn. Of many keys, only some are looked at, others with every turn.
pub fn least_used(turn: u64, count: usize, mut used: impl FnMut(usize) -> u64) -> usize {
    let looked_at = count.min(LOOKED_AT_MAX);
    let stride = if looked_at < count { looked_at } else { 1 };
    let from = round_robin(turn.wrapping_mul(stride as u64), count);
    let around = (from..from + looked_at).map(|index| index % count.max(1));
    around.min_by_key(|index| used(*index)).unwrap_or(0)
}

/// How strongly keys are preferred for an affinity key (rendezvous hashing): the same on every replica, and a key that comes or goes
/// moves only its own share. FNV-1a with a final mix, since replicas of different releases must agree.
#[derive(Debug, Clone, Copy)]
pub struct Affinity(u64);

impl Affinity {
    /// Of this affinity key.
    #[must_use]
    pub fn new(affinity_key: &str) -> Self {
        Self(fnv(0xcbf2_9ce4_8422_2325, affinity_key.as_bytes()))
    }

    /// To the key of this uid.
    #[must_use]
    pub fn to(self, uid: u128) -> u64 {
        let mut hash = fnv(self.0, &uid.to_le_bytes());
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

fn fnv(seed: u64, bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(seed, fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_robin_begins_with_each_key_in_turn() {
        let firsts: Vec<_> = (0..5).map(|turn| round_robin(turn, 3)).collect();
        assert_eq!(firsts, [0, 1, 2, 0, 1]);
    }

    #[test]
    fn no_keys_give_no_order() {
        assert_eq!(round_robin(7, 0), 0);
        assert_eq!(weighted(7, 0), 0);
        assert_eq!(least_used(7, 0, |_| panic!("there is none")), 0);
    }

    #[test]
    fn weights_are_kept_to_within_a_few_leases_at_any_time() {
        let cumulative = [1, 4, 10];
        let mut counts = [0_u64; 3];
        for turn in 0..10_000 {
            let point = weighted(turn, 10);
            counts[cumulative.partition_point(|sum| *sum <= point)] += 1;
            for (count, weight) in counts.iter().zip([1_u64, 3, 6]) {
                let fair = (turn + 1) * weight / 10;
                assert!(count.abs_diff(fair) <= 4, "turn {turn}: {counts:?}");
            }
        }
    }

    #[test]
    fn the_least_used_comes_first() {
        let used = [5, 2, 9];
        assert_eq!(least_used(0, 3, |i| used[i]), 1);
        assert_eq!(least_used(2, 3, |_| 4), 2);
    }

    #[test]
    fn of_many_keys_some_are_looked_at_and_all_have_their_share() {
        let (mut used, mut looks) = (vec![0_u64; 1_000], 0);
        for turn in 0..10_000 {
            let first = least_used(turn, 1_000, |i| {
                looks += 1;
                used[i]
            });
            used[first] += 1;
        }
        assert_eq!(looks, 10_000 * LOOKED_AT_MAX);
        let (least, most) = (used.iter().min().unwrap(), used.iter().max().unwrap());
        assert!(*least >= 9 && *most <= 11, "{least} to {most}");
    }

    #[test]
    fn affinity_moves_only_the_share_of_the_key_that_goes() {
        let best = |uids: &[u128], affinity: Affinity| {
            let best = uids.iter().max_by_key(|uid| affinity.to(**uid));
            *best.unwrap_or(&0)
        };
        let mut moved = 0;
        for n in 0..1_000 {
            let affinity = Affinity::new(&format!("session-{n}"));
            let (with, without) = (best(&[1, 2, 3, 4], affinity), best(&[1, 2, 3], affinity));
            assert!(with == 4 || with == without);
            moved += u32::from(with == 4);
        }
        assert!((200..300).contains(&moved), "{moved}");
    }

    #[test]
    fn affinity_is_the_same_in_every_release() {
        assert_eq!(Affinity::new("session-1").to(7), 1_270_146_084_893_398_643);
    }
}
