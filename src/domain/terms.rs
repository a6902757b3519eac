//! The times of a limit: the span over which its units stay charged, and how long replicas and callers may take.

use std::time::Duration;

use super::calendar::{Calendar, Period};
use super::time::Timestamp;

/// From this window on, lost writes are charged for instead of freezing the limit.
pub const LONG_WINDOW_MIN: Duration = Duration::from_hours(1);
/// How far the clocks of the database and of a provider may be apart: both show the time of day to within less where they are kept at
/// all. Within it of a boundary, nobody knows in which calendar period the provider counts a use.
pub const CLOCK_OFFSET_MAX: Duration = Duration::from_secs(5);

/// Over what a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Any stretch of this length (W).
    Rolling(Duration),
    /// Each period of a calendar.
    Calendar(Calendar),
    /// A use counts from its lease until it is reported, or until `report_within` has passed: this long at most, unless renewed.
    Held(Duration),
}

impl Span {
    /// How long it is: of calendars, the shortest usual period.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Rolling(length) | Self::Held(length) => length,
            Self::Calendar(calendar) => match calendar.period {
                Period::Day => Duration::from_hours(24),
                Period::Month => Duration::from_hours(24 * 28),
            },
        }
    }

    /// The longest that it can be, clocks that are set within it included.
    #[must_use]
    pub const fn length_max(self) -> Duration {
        match self {
            Self::Rolling(length) | Self::Held(length) => length,
            Self::Calendar(calendar) => match calendar.period {
                Period::Day => Duration::from_hours(25),
                Period::Month => Duration::from_hours(24 * 31 + 1),
            },
        }
    }

    /// Whether what was charged over `before` may count for longer over this.
    #[must_use]
    pub fn may_outlast(self, before: Self) -> bool {
        match (self, before) {
            (Self::Held(_), _) => false,
            (Self::Rolling(now), Self::Rolling(before)) => now > before,
            (Self::Rolling(_) | Self::Calendar(_), _) => self != before,
        }
    }

    /// Whether uses count as long as they are held.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// The times of a limit as configured: what is unset has its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// W, or what stands in its place.
    pub span: Span,
    /// D: min(1 s, W/20) unless set; for what is held, min(250 ms, W/20), so that permits soon get about.
    pub validity: Option<Duration>,
    /// L: min(3 s, W/10) unless set.
    pub start_within: Option<Duration>,
    /// None unless set.
    pub blackout: Option<Duration>,
}

impl Timing {
    /// The times in force.
    #[must_use]
    pub fn terms(self) -> Terms {
        let length = self.span.length();
        let validity = if self.span.is_held() {
            Duration::from_millis(250)
        } else {
            Duration::from_secs(1)
        };
        let start_within = Duration::from_secs(3).min(length / 10);
        Terms {
            span: self.span,
            validity: self.validity.unwrap_or(validity.min(length / 20)),
            start_within: self.start_within.unwrap_or(start_within),
            blackout: self.blackout.unwrap_or_default(),
        }
    }
}

/// The times of a limit, as a block carries them: W, D, L, and what is added for hosts that stop unnoticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// W, or what stands in its place: it holds at most N.
    pub span: Span,
    /// D: how long a replica may hand out from a block.
    pub validity: Duration,
    /// L: how long after sending its call a caller may start.
    pub start_within: Duration,
    /// Added where hosts may be stopped without their clock knowing.
    pub blackout: Duration,
}

impl Terms {
    /// For clock rates and arrival jitter. Calendar periods end by the clock, whatever rate others run at.
    #[must_use]
    pub fn epsilon(&self) -> Duration {
        let timed = match self.span {
            Span::Rolling(length) | Span::Held(length) => length,
            Span::Calendar(_) => Duration::ZERO,
        };
        JITTER + (timed + self.validity + self.start_within) / RATE
    }

    /// How far the lower clock may be put ahead of the time, so that answers which take long do not hold it back. What epsilon leaves
    /// is for the rates of clocks, and for requests that arrive later than others.
    #[must_use]
    pub fn lead(&self) -> Duration {
        self.epsilon() / 2
    }

    /// C: how long a reserved unit stays charged, at most.
    #[must_use]
    pub fn charge_time(&self) -> Duration {
        let late = self.validity + self.epsilon() + self.blackout;
        match self.span {
            Span::Rolling(window) => window + self.start_within + late,
            Span::Calendar(_) => {
                self.span.length_max() + self.start_within + late + CLOCK_OFFSET_MAX * 2
            }
            // The lower clock may be ahead by as much once more, and callers hold to the last moment.
            Span::Held(longest) => longest + late + self.epsilon(),
        }
    }

    /// When the charge of a unit ends that is reserved at `high`.
    ///
    /// A unit may be used as late as D + L after it was reserved. In a calendar it is charged to every period that this may fall
    /// into by the provider's clock, which is to the end of the last of them, as long as any replica may take it for not over.
    #[must_use]
    pub fn charge_until(&self, high: Timestamp) -> Timestamp {
        match self.span {
            Span::Rolling(_) | Span::Held(_) => high.after(self.charge_time()),
            Span::Calendar(calendar) => {
                let late = self.validity + self.start_within + self.epsilon() + self.blackout;
                let last = high.after(late + CLOCK_OFFSET_MAX);
                calendar.end(last).after(CLOCK_OFFSET_MAX)
            }
        }
    }

    /// When the charge of a unit ends whose use is known to have started by `start`, on the clock that stamps charges.
    #[must_use]
    pub fn charge_until_after(&self, start: Timestamp) -> Timestamp {
        match self.span {
            Span::Rolling(length) | Span::Held(length) => start.after(length + self.epsilon()),
            Span::Calendar(calendar) => {
                let last = start.after(self.epsilon() + CLOCK_OFFSET_MAX);
                calendar.end(last).after(CLOCK_OFFSET_MAX)
            }
        }
    }

    /// How long a permit is kept for a caller who is silent and has to be done after `report_within`.
    #[must_use]
    pub fn hold(&self, report_within: Duration) -> Duration {
        report_within + JITTER + report_within / RATE + self.blackout
    }

    /// When the charge ends of what is held for so long from `high` on.
    #[must_use]
    pub fn charge_until_held(&self, high: Timestamp, report_within: Duration) -> Timestamp {
        high.after(self.hold(report_within) + self.epsilon())
    }

    /// Whether freezing the limit for its charge time would be an outage.
    #[must_use]
    pub fn is_long(&self) -> bool {
        match self.span {
            Span::Rolling(window) => window >= LONG_WINDOW_MIN,
            Span::Calendar(_) => true,
            // A permit that is held comes back when it is reported, so a share of N per period would be all that is ever served.
            Span::Held(_) => false,
        }
    }
}

/// How far what arrives together may be apart.
const JITTER: Duration = Duration::from_millis(50);
/// Clocks run at the same rate but for this part.
pub(super) const RATE: u32 = 1_000;

#[cfg(test)]
#[path = "terms_tests.rs"]
mod tests;
