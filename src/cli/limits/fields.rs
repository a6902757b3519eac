//! The fields of a limit as flags.

use clap::{Args, ValueEnum};

use super::offline::OfflineFlags;
use crate::cli::failure::Failure;
use crate::cli::flags;
use crate::proto::{
    CalendarPeriod, CalendarWindow, Limit, LimitDimension, LimitMode, limit::Window,
};

/// What can be set; a flag that is not given leaves its field alone.
#[derive(Debug, Default, Args)]
pub(crate) struct LimitFlags {
    /// How many units in a window: 1 to 1000000000000
    #[arg(long, value_name = "UNITS")]
    amount: Option<i64>,
    /// Any stretch of this length: 1s to 30days; concurrency has no window
    #[arg(long, value_name = "DURATION", value_parser = flags::duration, conflicts_with = "calendar")]
    window: Option<prost_types::Duration>,
    /// A calendar period instead of a rolling window
    #[arg(long, requires = "time_zone")]
    calendar: Option<Period>,
    /// The calendar's time zone, by its IANA name
    #[arg(long, value_name = "ZONE", requires = "calendar")]
    time_zone: Option<String>,
    /// Pattern of models that share this budget, such as 'gpt-4*'; may be repeated, at most 64 [default: all models together]
    #[arg(long = "model", value_name = "PATTERN")]
    models: Vec<String>,
    /// Whether the limit refuses [default: enforce]
    #[arg(long)]
    mode: Option<Mode>,
    /// How long a replica may hand out from a block: at most window / 4 [default: 1s or window / 20, the smaller]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    block_validity: Option<prost_types::Duration>,
    /// How long after asking for a lease a caller may start its request: at most window / 2 [default: 3s or window / 10, the smaller]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    start_within: Option<prost_types::Duration>,
    /// Added to the charge time where hosts may be stopped unknown to their clocks (snapshots, live migration): at most 1h
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    blackout_max: Option<prost_types::Duration>,
    /// Of concurrency: how long a lease may hold its permits before it is renewed: 1s to 1h [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration, conflicts_with_all = ["window", "calendar"])]
    lease_duration_max: Option<prost_types::Duration>,
    #[command(flatten)]
    offline: OfflineFlags,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Dimension {
    /// Upstream requests started
    Requests,
    /// Input and output tokens together
    Tokens,
    /// Input tokens
    InputTokens,
    /// Output tokens
    OutputTokens,
    /// Money, in millionths of the currency unit
    CostMicros,
    /// Requests under way at one time
    Concurrency,
}

impl From<Dimension> for LimitDimension {
    fn from(dimension: Dimension) -> Self {
        match dimension {
            Dimension::Requests => Self::Requests,
            Dimension::Tokens => Self::Tokens,
            Dimension::InputTokens => Self::InputTokens,
            Dimension::OutputTokens => Self::OutputTokens,
            Dimension::CostMicros => Self::CostMicros,
            Dimension::Concurrency => Self::Concurrency,
        }
    }
}

/// A calendar period.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Period {
    /// Midnight to midnight
    Day,
    /// The first to the first
    Month,
}

/// Whether a limit refuses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Mode {
    /// Leases beyond it are refused
    Enforce,
    /// Count and report, never refuse
    Shadow,
}

/// Fields that can be unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LimitField {
    /// No more to be changed than by --amount
    #[value(skip)]
    Amount,
    /// Changed by --window and --calendar
    #[value(skip)]
    Window,
    /// All models together
    Models,
    /// Enforce
    Mode,
    /// Back to its default
    BlockValidity,
    /// Back to its default
    StartWithin,
    /// None
    BlackoutMax,
    /// Back to its default
    LeaseDurationMax,
    /// None: replicas serve nothing without the database
    OfflineShare,
}

impl LimitField {
    /// Unsets the field.
    pub(super) fn clear(self, limit: &mut Limit) {
        match self {
            Self::Amount => limit.amount = 0,
            Self::Window => limit.window = None,
            Self::Models => limit.models.clear(),
            Self::Mode => limit.mode = 0,
            Self::BlockValidity => limit.block_validity = None,
            Self::StartWithin => limit.start_within = None,
            Self::BlackoutMax => limit.blackout_max = None,
            Self::LeaseDurationMax => limit.lease_duration_max = None,
            Self::OfflineShare => limit.offline_share = None,
        }
    }
}

impl LimitFlags {
    /// The fields that change, by their paths.
    pub(super) fn mask(
        &self,
        cleared: &[LimitField],
    ) -> Result<Option<prost_types::FieldMask>, Failure> {
        let mut fields = cleared.to_vec();
        let mut given = |is_given: bool, field| {
            if is_given {
                fields.push(field);
            }
        };
        given(self.amount.is_some(), LimitField::Amount);
        given(self.window().is_some(), LimitField::Window);
        given(!self.models.is_empty(), LimitField::Models);
        given(self.mode.is_some(), LimitField::Mode);
        given(self.block_validity.is_some(), LimitField::BlockValidity);
        given(self.start_within.is_some(), LimitField::StartWithin);
        given(self.blackout_max.is_some(), LimitField::BlackoutMax);
        given(
            self.lease_duration_max.is_some(),
            LimitField::LeaseDurationMax,
        );
        given(self.offline.is_given(), LimitField::OfflineShare);
        flags::mask(fields.into_iter().map(|field| self.path(field)).collect())
    }

    /// The window's path depends on its kind.
    fn path(&self, field: LimitField) -> &'static str {
        match field {
            LimitField::Amount => "amount",
            LimitField::Window if self.calendar.is_some() => "calendar",
            LimitField::Window => "rolling",
            LimitField::Models => "models",
            LimitField::Mode => "mode",
            LimitField::BlockValidity => "block_validity",
            LimitField::StartWithin => "start_within",
            LimitField::BlackoutMax => "blackout_max",
            LimitField::LeaseDurationMax => "lease_duration_max",
            LimitField::OfflineShare => "offline_share",
        }
    }

    /// Writes what was given into a limit.
    pub(super) fn apply(self, limit: &mut Limit) {
        limit.amount = self.amount.unwrap_or(limit.amount);
        if let Some(window) = self.window() {
            limit.window = Some(window);
        }
        if !self.models.is_empty() {
            limit.models = self.models;
        }
        if let Some(mode) = self.mode {
            limit.set_mode(match mode {
                Mode::Enforce => LimitMode::Enforce,
                Mode::Shadow => LimitMode::Shadow,
            });
        }
        limit.block_validity = self.block_validity.or(limit.block_validity);
        limit.start_within = self.start_within.or(limit.start_within);
        limit.blackout_max = self.blackout_max.or(limit.blackout_max);
        limit.lease_duration_max = self.lease_duration_max.or(limit.lease_duration_max);
        self.offline.apply(limit);
    }

    fn window(&self) -> Option<Window> {
        let calendar = self.calendar.map(|period| {
            let period = match period {
                Period::Day => CalendarPeriod::Day,
                Period::Month => CalendarPeriod::Month,
            };
            Window::Calendar(CalendarWindow {
                period: period as i32,
                time_zone: self.time_zone.clone().unwrap_or_default(),
            })
        });
        calendar.or(self.window.map(Window::Rolling))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_replaces_a_rolling_window_under_its_own_path() {
        let flags = LimitFlags {
            calendar: Some(Period::Day),
            time_zone: Some("Europe/Zurich".into()),
            amount: Some(10),
            ..LimitFlags::default()
        };
        assert_eq!(
            flags.mask(&[]).unwrap().unwrap().paths,
            ["amount", "calendar"]
        );
        let mut limit = Limit {
            window: Some(Window::Rolling(flags::duration("1m").unwrap())),
            ..Limit::default()
        };
        flags.apply(&mut limit);
        assert!(matches!(limit.window, Some(Window::Calendar(_))));
        assert_eq!(limit.amount, 10);
    }
}
