//! What callers differ in: when their calls come, which replica they ask, and what they do with a lease.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Orders;
use crate::clock;

/// What callers are used to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Habits {
    /// Whether most of their calls come together, at the beginning of every span of this length.
    pub(crate) bursts: Option<Duration>,
    /// Whether each stays with one replica, as a connection does; otherwise it asks any of them, each time.
    pub(crate) is_faithful: bool,
    pub(crate) manners: Manners,
}

/// What they do with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Manners {
    /// They report in every way that a caller may: at once, to another replica, or never. Some requests start as late as they may.
    Mixed,
    /// They start at once, and report as soon as they have an answer.
    Prompt,
    /// They start at once, and never report.
    Silent,
}

/// The part of a span that its burst takes.
const BURST: f64 = 0.15;
/// The part of all calls that come in bursts.
const BURST_CALLS: f64 = 0.75;

impl Habits {
    /// Whether a request starts as late as it may.
    pub(super) fn starts_late(&self, dice: &mut Dice) -> bool {
        self.manners == Manners::Mixed && dice.throw(5) == 0
    }

    /// How many times the average come now.
    fn rush(&self) -> f64 {
        let Some(span) = self.bursts else { return 1.0 };
        let span = span.as_secs_f64();
        let passed = clock::now().as_secs_f64() % span / span;
        if passed < BURST {
            BURST_CALLS / BURST
        } else {
            (1.0 - BURST_CALLS) / (1.0 - BURST)
        }
    }
}

impl Orders {
    /// From one call to the next.
    pub(super) fn gap(&self) -> Duration {
        Duration::from_secs_f64(1.0 / (self.per_second * self.habits.rush()))
    }

    /// Which replica to ask.
    pub(super) fn replica(&self, dice: &mut Dice) -> usize {
        let replicas = self.replicas.len();
        if self.habits.is_faithful {
            return usize::try_from(self.seed).unwrap() % replicas;
        }
        dice.throw(replicas)
    }

    /// Which replica is told what came of a lease, if any is.
    pub(super) fn reports_to(&self, issuer: usize, mut dice: Dice) -> Option<usize> {
        match self.habits.manners {
            Manners::Silent => None,
            Manners::Prompt => Some(issuer),
            Manners::Mixed => match dice.throw(20) {
                0 => None,
                1..4 => Some(dice.throw(self.replicas.len())),
                _ => Some(issuer),
            },
        }
    }
}

/// Numbers that look like chance and are the same in every run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed);
        dice.throw(1);
        dice
    }

    /// 0 to less than `sides`.
    pub(super) fn throw(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }
}
