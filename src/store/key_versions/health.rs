//! Health as the columns of several tables have it.

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::health::{Cause, FailureClass, Health};
use crate::domain::time::Timestamp;
use crate::store::convert::timestamp;

/// Health as columns have it.
pub(crate) struct HealthColumns<'a> {
    pub(crate) state: &'a str,
    pub(crate) until: Option<OffsetDateTime>,
    pub(crate) why: Option<&'a str>,
    pub(crate) class: Option<&'a str>,
    pub(crate) accuser: Option<Uuid>,
    /// Of a cooldown; the history of a version keeps none.
    pub(crate) tried: Option<OffsetDateTime>,
}

impl HealthColumns<'_> {
    /// `None` for a state that this release does not know.
    pub(crate) fn parsed(&self) -> Option<Health> {
        let cause = || Cause {
            // A verdict without an end is none that this release writes: it has ended.
            until: self.until.map_or(Timestamp::from_micros(0), timestamp),
            why: self.why.unwrap_or_default().to_owned(),
            class: FailureClass::from_stored(self.class.unwrap_or_default()),
            accuser: self.accuser,
            tried: None,
            strikes: 0,
        };
        match self.state {
            "active" => Some(Health::Active),
            // Where nobody accuses any more, an older release may have left the time behind.
            "cooling" => Some(Health::Cooling(Cause {
                tried: self.accuser.and(self.tried).map(timestamp),
                ..cause()
            })),
            "dead" => Some(Health::Dead(cause())),
            _ => None,
        }
    }
}
