//! Faults of a provider in a row, and failures that nobody can name, as far as one version alone may be to blame for them.

use uuid::Uuid;

use super::rows::{Row, Voice};
use crate::domain::time::Timestamp;

/// Faults in a row that the version alone may be to blame for. A provider that fails for everybody begins it again and again, so that
/// nothing is left of an outage once it has ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FaultRun {
    count: u32,
    since: Option<Timestamp>,
    voice: Voice,
}

impl FaultRun {
    /// None at all.
    pub(super) const NONE: Self = Self {
        count: 0,
        since: None,
        voice: Voice::Nobody,
    };

    /// How many the version is to blame for.
    pub(super) const fn count(self) -> u32 {
        self.count
    }

    /// Counts one more, or begins again where no other version has succeeded since it began: then the provider is to blame so far.
    /// Answers how many the version is to blame for, by whose word.
    pub(super) fn on(
        &mut self,
        others_succeeded: Option<Timestamp>,
        by: Uuid,
        now: Timestamp,
    ) -> Row {
        let is_alone = self
            .since
            .is_some_and(|since| others_succeeded.is_some_and(|succeeded| succeeded >= since));
        if is_alone {
            self.count = self.count.saturating_add(1);
            self.voice = self.voice.and(by);
            return Row {
                count: self.count,
                voice: self.voice,
            };
        }
        *self = Self {
            count: 1,
            since: Some(now),
            voice: Voice::One(by),
        };
        Row::default()
    }
}
