//! What each figure has to reach, said beside it. Nothing fails where one does not: a busy machine would decide.

use serde_json::{Map, Value, json};

use crate::figures::rounded;
use crate::say;

/// Throughput of a large vault over that of the smallest.
pub(crate) const SCALED: Bound = Bound::AtLeast(0.9);
/// Bytes of memory for each key more.
pub(crate) const BYTES_PER_KEY: Bound = Bound::AtMost(2_048.0);
/// Throughput over that of a bare server.
pub(crate) const BESIDE_BARE: Bound = Bound::AtLeast(0.8);
/// The time within which 99 of 100 are answered, over that of a bare server.
pub(crate) const P99_BESIDE_BARE: Bound = Bound::AtMost(1.5);
/// Throughput over that of one transaction per lease.
pub(crate) const BESIDE_TRANSACTION: Bound = Bound::AtLeast(25.0);
/// Transactions a second at the highest rate of leases over those at the lowest, a hundred times lower: flat.
pub(crate) const FLAT: Bound = Bound::AtMost(1.25);

/// What a figure has to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// Bounds of some figures, by the figures' names.
#[derive(Debug, Default)]
pub(crate) struct Bounds(Map<String, Value>);

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::AtMost(bound) => format!("at most {bound}"),
        }
    }
}

impl Bounds {
    /// Says a figure beside its bound, and whether it holds.
    pub(crate) fn add(&mut self, name: &str, figure: f64, bound: Bound) {
        let (holds, words) = (bound.holds(figure), bound.words());
        let verdict = if holds { "holds" } else { "does not hold" };
        say(&format!(
            "{name}: {}, has to be {words}: {verdict}",
            rounded(figure)
        ));
        self.0
            .insert(name.to_owned(), json!({"bound": words, "holds": holds}));
    }

    /// As JSON.
    pub(crate) fn told(self) -> Value {
        Value::Object(self.0)
    }
}
