//! A pool's status as a person at 3 a.m. wants it: what is wrong first, then keys, then limits.

use super::{keys, limits, models};
use crate::cli::view::{self, disablement, distrusted};
use crate::cli::{table, words};
use crate::proto::PoolStatus;

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
        parts.extend(models::remarks(&status.model_cooldowns, &now, width));
        parts.push(keys::table(&status.keys, &now, width));
    }
    if !status.limits.is_empty() {
        parts.push(limits::table(&status.limits, &now, width));
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
        (
            i64::from(status.keys_provider_failing),
            "of a FAILING PROVIDER",
            false,
        ),
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
    let now = status.status_time.unwrap_or_else(words::now);
    lines.extend(status.incidents.iter().map(|i| view::incident(i, &now)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::limits::tests::limit;
    use crate::proto::{Disablement, Distrust, DistrustState, LimitStatus};

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
