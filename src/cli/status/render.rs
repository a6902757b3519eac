//! A pool's status as a person at 3 a.m. wants it: what is wrong first, then keys, then limits.

use comfy_table::Color;

use super::{keys, offline};
use crate::cli::table::{self, Cell};
use crate::cli::view::{disablement, distrusted};
use crate::cli::{names, words};
use crate::proto::{LimitMode, LimitStatus, PoolStatus};

/// Cells of a limit's bar.
const BAR_WIDTH: i64 = 10;
/// A limit this full is worth a look.
const NEARLY_FULL_PERCENT: i64 = 90;

/// The whole status.
pub(super) fn pool(status: &PoolStatus) -> String {
    within(status, table::width())
}

fn within(status: &PoolStatus, width: usize) -> String {
    let now = status.status_time.unwrap_or_else(words::now);
    let mut parts = vec![heading(status, width)];
    if status.keys.is_empty() {
        parts.push("no keys: add a member with `keylease pools update`".into());
    } else {
        parts.extend(keys::remarks(&status.keys, &now, width));
        parts.push(keys::table(&status.keys, &now, width));
    }
    if !status.limits.is_empty() {
        parts.push(limits(&status.limits, &now, width));
    }
    parts.join("\n\n")
}

fn heading(status: &PoolStatus, width: usize) -> String {
    let overdue = status.keys.iter().filter(|key| key.rotation_overdue);
    let counts = [
        (i64::from(status.keys_serving), "serving", true),
        (i64::from(status.keys_cooling), "cooling", true),
        (i64::from(status.keys_dead), "dead", true),
        (i64::from(status.keys_disabled), "disabled", true),
        (i64::from(status.keys_distrusted), "NOT BELIEVED", false),
        (
            overdue.count().try_into().unwrap_or(i64::MAX),
            "OVERDUE for rotation",
            false,
        ),
        (i64::from(status.waiting), "calls waiting", true),
    ];
    let counts = counts
        .into_iter()
        .filter(|(count, _, always)| *always || *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, what, _)| format!("{count} {what}"))
        .collect();
    let time = words::time(status.status_time.as_ref());
    let mut lines = vec![
        format!("{}  {time}", words::printable(&status.pool)),
        counts.join(", "),
        replicas(status),
    ];
    if let Some(distrust) = &status.distrust {
        lines.push(format!(
            "THE POOL IS {}: {}",
            distrusted(distrust),
            words::printable(&distrust.why)
        ));
    }
    if status.disablement.is_some() {
        lines.push(format!(
            "THE POOL IS {}",
            disablement(status.disablement.as_ref())
        ));
    } else if status.keys_serving == 0 && !status.keys.is_empty() {
        lines.push("NO KEY CAN SERVE NOW".into());
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| table::wrapped(line, width, 2))
        .collect();
    lines.join("\n")
}

fn replicas(status: &PoolStatus) -> String {
    let others = if status.replicas_live == 1 {
        "replica"
    } else {
        "replicas"
    };
    format!(
        "{} {others} live; leases and failures by {}",
        status.replicas_live, status.replica
    )
}

fn limits(limits: &[LimitStatus], now: &prost_types::Timestamp, width: usize) -> String {
    let rows = limits.iter().map(|limit| {
        let dimension = words::enum_value(limit.dimension().as_str_name(), "LIMIT_DIMENSION");
        let dimension = match limit.mode() {
            LimitMode::Shadow => format!("{dimension} (shadow)"),
            LimitMode::Enforce | LimitMode::Unspecified => dimension,
        };
        let (left, amount) = (words::number(limit.remaining), words::number(limit.amount));
        [
            Cell::from(limit_name(&limit.limit)),
            full(limit),
            Cell::from(format!("{left} of {amount}")),
            Cell::from(dimension),
            Cell::from(words::away(limit.next_charge_end_time.as_ref(), now)),
        ]
    });
    let header = ["LIMIT", "CHARGED", "LEFT", "OF WHAT", "MORE"];
    let shares = limits.iter().filter_map(offline::line);
    std::iter::once(table::within(width, &header, rows))
        .chain(shares)
        .collect::<Vec<_>>()
        .join("\n")
}

/// `accounts/openai/limits/rpm` is `openai/rpm` here.
pub(super) fn limit_name(name: &str) -> String {
    let (owner, id) = names::split(name);
    format!("{}/{id}", owner.strip_prefix("accounts/").unwrap_or(owner))
}

fn full(limit: &LimitStatus) -> Cell {
    let percent = percent(limit);
    let cell = Cell::from(format!("{} {percent:>3} %", bar(percent)));
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

fn bar(percent: i64) -> String {
    let filled = (percent * BAR_WIDTH / 100).clamp(0, BAR_WIDTH) as usize;
    let empty = BAR_WIDTH as usize - filled;
    format!("{}{}", "█".repeat(filled), "░".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Disablement, Distrust, DistrustState, LimitDimension};

    fn limit(charged: i64) -> LimitStatus {
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
        assert_eq!(bar(percent(&limit(600))), "█".repeat(10));
        assert_eq!(bar(percent(&limit(300))).matches('█').count(), 5);
        assert_eq!(bar(0), "░".repeat(10));
    }

    #[test]
    fn a_pool_that_cannot_serve_says_so_at_the_top() {
        let status = PoolStatus {
            pool: "pools/p".into(),
            keys_dead: 1,
            keys: vec![crate::proto::KeyStatus {
                rotation_overdue: true,
                ..Default::default()
            }],
            limits: vec![limit(150)],
            ..PoolStatus::default()
        };
        let text = pool(&status);
        assert!(text.contains("0 serving, 0 cooling, 1 dead"), "{text}");
        assert!(text.contains("NO KEY CAN SERVE NOW"), "{text}");
        assert!(text.contains("1 OVERDUE"), "{text}");
        assert!(text.contains("openai/rpm"), "{text}");
        assert!(text.contains("450 of 600"), "{text}");
    }

    #[test]
    fn a_status_with_everything_wrong_fits_eighty_columns() {
        let why = "the row was changed in the database outside of keylease: restore it, or delete it and create it anew";
        let distrust = Some(Distrust {
            state: DistrustState::Tampered as i32,
            why: why.into(),
        });
        let key = crate::proto::KeyStatus {
            key: "accounts/openai-eu/keys/main-1".into(),
            tier: 1,
            leases: 123_456,
            rotation_overdue: true,
            distrust: distrust.clone(),
            ..Default::default()
        };
        let status = PoolStatus {
            pool: "pools/openai-production".into(),
            status_time: Some(prost_types::Timestamp::default()),
            replica: "019ac1f4-7a53-7c10-b7c3-3a1f6f6b9a01".into(),
            replicas_live: 12,
            keys_distrusted: 1,
            keys: vec![key],
            limits: vec![LimitStatus {
                amount: 2_000_000,
                remaining: 1_234_567,
                ..limit(765_433)
            }],
            distrust,
            ..PoolStatus::default()
        };
        let text = within(&status, 80);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{widest:?}\n{text}");
        assert!(text.contains("1 NOT BELIEVED"), "{text}");
        assert!(text.contains("THE POOL IS TAMPERED"), "{text}");
        assert!(text.contains("1,234,567 of 2,000,000"), "{text}");
    }

    #[test]
    fn a_disabled_pool_names_who_and_why() {
        let status = PoolStatus {
            disablement: Some(Disablement {
                reason: "migration".into(),
                by: "callers/ana".into(),
                ..Disablement::default()
            }),
            ..PoolStatus::default()
        };
        let text = pool(&status);
        assert!(
            text.contains("THE POOL IS disabled: migration, by callers/ana"),
            "{text}"
        );
    }
}
