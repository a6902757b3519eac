//! What an answer says by the rules of several who lease the key.

use super::{ProbeResult, Probed};

impl Probed {
    /// The same, unless others take it for something else: what one of them knows the provider to mean is not held against the key.
    #[must_use]
    pub fn agreed(self, others: impl IntoIterator<Item = Self>) -> Self {
        let differs = |other: &Self| other.result != self.result;
        match others.into_iter().find(differs) {
            None => self,
            Some(other) => Self {
                result: ProbeResult::Unclear,
                is_proof: false,
                ..other
            },
        }
    }
}
