//! The offline share of a limit on one line.

use super::limits::limit_name;
use crate::cli::words;
use crate::proto::LimitStatus;

/// What is left to replicas that cannot reach the database: "openai/rpm offline: 60 units kept, 15 a slot; this replica has slot 2, 15
/// left".
pub(super) fn line(limit: &LimitStatus) -> Option<String> {
    let status = limit.offline.as_ref()?;
    let slot = match status.slot {
        Some(slot) => format!(
            "this replica has slot {slot}, {} left",
            words::number(status.slot_left)
        ),
        None => "this replica has no slot".into(),
    };
    Some(format!(
        "{} offline: {} units kept, {} a slot; {slot}",
        limit_name(&limit.limit),
        words::number(status.reserved),
        words::number(status.slot_units),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::OfflineStatus;

    #[test]
    fn an_offline_share_says_what_this_replica_has_of_it() {
        let limit = LimitStatus {
            limit: "accounts/openai/limits/rpm".into(),
            offline: Some(OfflineStatus {
                reserved: 60,
                slot: Some(2),
                slot_units: 15,
                slot_left: 12,
            }),
            ..LimitStatus::default()
        };
        let text = line(&limit).unwrap();
        assert_eq!(
            text,
            "openai/rpm offline: 60 units kept, 15 a slot; this replica has slot 2, 12 left"
        );
    }
}
