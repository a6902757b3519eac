//! Faults in a row that a version alone may be to blame for.

use crate::domain::time::Timestamp;

/// Faults in a row that the version alone may be to blame for. A provider that fails for everybody begins it again and again, so that
/// nothing is left of an outage once it has ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FaultRun {
    pub(super) count: u32,
    since: Option<Timestamp>,
}

impl FaultRun {
    /// Counts one more, or begins again where no other version has succeeded since it began: then the provider is to blame so far.
    /// Answers how many the version is to blame for.
    pub(super) fn on(&mut self, others_succeeded: Option<Timestamp>, now: Timestamp) -> u32 {
        let is_alone = self
            .since
            .is_some_and(|since| others_succeeded.is_some_and(|succeeded| succeeded >= since));
        if is_alone {
            self.count = self.count.saturating_add(1);
            return self.count;
        }
        *self = Self {
            count: 1,
            since: Some(now),
        };
        0
    }
}
