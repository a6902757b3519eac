//! A pool's status as a person at 3 a.m. wants it: what is wrong first, then keys, then limits.

use comfy_table::{Cell, Color};

use super::keys;
use crate::cli::view::disablement;
use crate::cli::{names, output, words};
use crate::proto::{LimitMode, LimitStatus, PoolStatus};

/// Cells of a limit's bar.
const BAR_WIDTH: i64 = 20;
/// A limit this full is worth a look.
const NEARLY_FULL_PERCENT: i64 = 90;

/// The whole status.
pub(super) fn pool(status: &PoolStatus) -> String {
    let now = status.status_time.unwrap_or_else(words::now);
    let mut parts = vec![heading(status)];
    parts.push(if status.keys.is_empty() {
        "no keys: add a member with `keylease pools update`".into()
    } else {
        keys::table(&status.keys, &now)
    });
    if !status.limits.is_empty() {
        parts.push(limits(&status.limits, &now));
    }
    parts.join("\n\n")
}

fn heading(status: &PoolStatus) -> String {
    let mut text = format!(
        "{}  {}: {} serving, {} cooling, {} dead, {} disabled; {} waiting",
        words::time(status.status_time.as_ref()),
        status.pool,
        status.keys_serving,
        status.keys_cooling,
        status.keys_dead,
        status.keys_disabled,
        status.waiting,
    );
    let overdue = status
        .keys
        .iter()
        .filter(|key| key.rotation_overdue)
        .count();
    if overdue > 0 {
        text += &format!("; {overdue} OVERDUE for rotation");
    }
    text += &format!("\n{}", replicas(status));
    if status.disablement.is_some() {
        text += &format!("\nTHE POOL IS {}", disablement(status.disablement.as_ref()));
    } else if status.keys_serving == 0 && !status.keys.is_empty() {
        text += "\nNO KEY CAN SERVE NOW";
    }
    text
}

fn replicas(status: &PoolStatus) -> String {
    let others = if status.replicas_live == 1 {
        "replica"
    } else {
        "replicas"
    };
    format!(
        "{} {others} live; leases and failures as counted by replica {}",
        status.replicas_live, status.replica
    )
}

fn limits(limits: &[LimitStatus], now: &prost_types::Timestamp) -> String {
    let rows = limits.iter().map(|limit| {
        let dimension = words::enum_value(limit.dimension().as_str_name(), "LIMIT_DIMENSION");
        vec![
            Cell::new(limit_name(&limit.limit)),
            Cell::new(match limit.mode() {
                LimitMode::Shadow => format!("{dimension} (shadow)"),
                LimitMode::Enforce | LimitMode::Unspecified => dimension,
            }),
            full(limit),
            Cell::new(format!(
                "{} / {}",
                words::number(limit.charged),
                words::number(limit.amount)
            )),
            Cell::new(words::number(limit.remaining)),
            Cell::new(words::ahead(limit.next_charge_end_time.as_ref(), now)),
        ]
    });
    let header = ["LIMIT", "COUNTS", "CHARGED", "", "LEFT", "NEXT FREED"];
    let shares = limits.iter().filter_map(offline);
    std::iter::once(output::table(&header, rows).trim_fmt())
        .chain(shares)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What is left to replicas that cannot reach the database: "openai/rpm offline: 60 units kept, 15 a slot; this replica has slot 2, 15
/// left".
fn offline(limit: &LimitStatus) -> Option<String> {
    let status = limit.offline.as_ref()?;
    let slot = match status.slot {
        Some(slot) => format!("this replica has slot {slot}, {} left", words::number(status.slot_left)),
        None => "this replica has no slot".into(),
    };
    Some(format!(
        "{} offline: {} units kept, {} a slot; {slot}",
        limit_name(&limit.limit),
        words::number(status.reserved),
        words::number(status.slot_units),
    ))
}

/// `accounts/openai/limits/rpm` is `openai/rpm` here.
fn limit_name(name: &str) -> String {
    let (owner, id) = names::split(name);
    format!("{}/{id}", owner.strip_prefix("accounts/").unwrap_or(owner))
}

fn full(limit: &LimitStatus) -> Cell {
    let percent = percent(limit);
    let cell = Cell::new(format!("{} {percent:>3} %", bar(percent)));
    if percent >= NEARLY_FULL_PERCENT {
        cell.fg(Color::Yellow)
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
    use crate::proto::{Disablement, LimitDimension};

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
        assert_eq!(bar(percent(&limit(600))), "█".repeat(20));
        assert_eq!(bar(percent(&limit(300))).matches('█').count(), 10);
        assert_eq!(bar(0), "░".repeat(20));
    }

    #[test]
    fn an_offline_share_says_what_this_replica_has_of_it() {
        let mut limit = limit(100);
        limit.offline = Some(crate::proto::OfflineStatus {
            reserved: 60,
            slot: Some(2),
            slot_units: 15,
            slot_left: 12,
        });
        let text = offline(&limit).unwrap();
        assert_eq!(text, "openai/rpm offline: 60 units kept, 15 a slot; this replica has slot 2, 12 left");
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
        assert!(text.contains("150 / 600"), "{text}");
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
