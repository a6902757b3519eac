//! The limits of a pool's status: how full each is, in figures, and as a bar where there is room for one.

use comfy_table::Color;
use prost_types::Timestamp;

use super::offline;
use crate::cli::table::{self, Cell};
use crate::cli::{names, words};
use crate::proto::{LimitMode, LimitStatus};

/// Cells of a limit's bar.
const BAR_WIDTH: usize = 10;
/// A shorter bar says nothing.
const BAR_WIDTH_MIN: usize = 4;
/// A limit this full is worth a look.
const NEARLY_FULL_PERCENT: i64 = 90;
const HEADER: [&str; 5] = ["LIMIT", "CHARGED", "LEFT", "OF WHAT", "MORE"];

/// A line for each limit, and below them what is kept for replicas without a database.
pub(super) fn table(limits: &[LimitStatus], now: &Timestamp, width: usize) -> String {
    let rows = |bar: usize| limits.iter().map(move |limit| row(limit, now, bar));
    // Figures are what people read, so the bar makes room for them.
    let fits = |bar: &usize| table::natural_width(&HEADER, rows(*bar)) <= width;
    let bar = (BAR_WIDTH_MIN..=BAR_WIDTH).rev().find(fits).unwrap_or(0);
    let shares = limits.iter().filter_map(offline::line);
    std::iter::once(table::within(width, &HEADER, rows(bar)))
        .chain(shares.map(|line| table::wrapped(&line, width, 2)))
        .collect::<Vec<_>>()
        .join("\n")
}

fn row(limit: &LimitStatus, now: &Timestamp, bar: usize) -> [Cell; 5] {
    let dimension = words::enum_value(limit.dimension().as_str_name(), "LIMIT_DIMENSION");
    let dimension = match limit.mode() {
        LimitMode::Shadow => format!("{dimension} (shadow)"),
        LimitMode::Enforce | LimitMode::Unspecified => dimension,
    };
    let (left, amount) = (words::number(limit.remaining), words::number(limit.amount));
    [
        Cell::from(limit_name(&limit.limit)),
        full(limit, bar),
        Cell::from(format!("{left} of {amount}")),
        Cell::from(dimension),
        Cell::from(words::away(limit.next_charge_end_time.as_ref(), now)),
    ]
}

/// `accounts/openai/limits/rpm` is `openai/rpm` here.
pub(super) fn limit_name(name: &str) -> String {
    let (owner, id) = names::split(name);
    format!("{}/{id}", owner.strip_prefix("accounts/").unwrap_or(owner))
}

fn full(limit: &LimitStatus, width: usize) -> Cell {
    let percent = percent(limit);
    let figure = format!("{percent:>3} %");
    let cell = match width {
        0 => Cell::from(figure),
        width => Cell::from(format!("{} {figure}", bar(percent, width))),
    };
    if percent >= NEARLY_FULL_PERCENT {
        cell.colored(Color::Yellow)
    } else {
        cell
    }
}

fn percent(limit: &LimitStatus) -> i64 {
    if limit.amount <= 0 {
        return 100;
    }
    // Rounded down, so that 100 % means that nothing is left.
    let percent = i128::from(limit.charged) * 100 / i128::from(limit.amount);
    i64::try_from(percent.clamp(0, 999)).unwrap_or(999)
}

fn bar(percent: i64, width: usize) -> String {
    let percent = usize::try_from(percent).unwrap_or(0);
    let filled = (percent * width / 100).min(width);
    format!("{}{}", "█".repeat(filled), "░".repeat(width - filled))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::proto::{LimitDimension, OfflineStatus};

    /// Of 600 requests, so many of which are charged.
    pub(in crate::cli::status) fn limit(charged: i64) -> LimitStatus {
        LimitStatus {
            limit: "accounts/openai/limits/rpm".into(),
            dimension: LimitDimension::Requests as i32,
            amount: 600,
            charged,
            remaining: 600 - charged,
            ..LimitStatus::default()
        }
    }

    #[test]
    fn a_bar_is_full_only_when_nothing_is_left() {
        assert_eq!(percent(&limit(599)), 99);
        assert_eq!(bar(percent(&limit(600)), 10), "█".repeat(10));
        assert_eq!(bar(percent(&limit(300)), 10).matches('█').count(), 5);
        assert_eq!(bar(0, 10), "░".repeat(10));
    }

    #[test]
    fn the_bar_gives_way_before_the_limit_is_cut() {
        let long = LimitStatus {
            limit: "accounts/openai-production/limits/tokens-per-minute".into(),
            dimension: LimitDimension::InputTokens as i32,
            amount: 90_000,
            remaining: 88_000,
            offline: Some(OfflineStatus {
                reserved: 4,
                slot_units: 1,
                ..OfflineStatus::default()
            }),
            ..limit(2_000)
        };
        let now = Timestamp::default();
        for (width, bars) in [(120, 10), (80, 0)] {
            let text = table(&[long.clone(), limit(0)], &now, width);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{text}");
            assert!(text.contains("88,000 of 90,000"), "{text}");
            assert!(text.contains("2 %"), "{text}");
            assert_eq!(text.matches('░').count(), 2 * bars, "{text}");
        }
    }
}
