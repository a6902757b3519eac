//! Which leases of a version are out.

use super::VersionLive;
use crate::domain::time::{BootTime, Timestamp};

impl VersionLive {
    /// A lease is out until then, by both clocks.
    pub fn out(&self, ends: Timestamp, boot: BootTime, now: BootTime) {
        self.outs.note(ends, boot, now);
    }

    /// A lease that was to end then was reported to its end.
    pub fn back(&self, ends: Timestamp) {
        self.outs.end(ends);
    }

    /// When the last lease of this replica ends, by its clock; none where none is out.
    #[must_use]
    pub fn last_out(&self, now: BootTime) -> Option<BootTime> {
        self.outs.last(now)
    }

    /// Since when it has been asked here whether leases of it are out, as it has been since this revision of it.
    pub fn asked_since(&self, rev: i64, now: BootTime) -> BootTime {
        let mut asked = self.asked.lock();
        match *asked {
            Some((known, since)) if known == rev => since,
            _ => {
                *asked = Some((rev, now));
                now
            }
        }
    }
}
