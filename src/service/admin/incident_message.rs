//! What befalls many keys at once, as the contract has it.

use crate::domain::incident::{IncidentKind, Ongoing};
use crate::proto;
use crate::service::convert::timestamp;

/// An incident that holds.
pub(super) fn incident(ongoing: &Ongoing) -> proto::Incident {
    let kind = match ongoing.kind {
        IncidentKind::Breaker => proto::IncidentKind::Breaker,
        IncidentKind::Egress => proto::IncidentKind::Egress,
        IncidentKind::Brake => proto::IncidentKind::Brake,
    };
    proto::Incident {
        kind: kind.into(),
        subject: ongoing.subject.to_string(),
        since_time: Some(timestamp(ongoing.since)),
        until_time: Some(timestamp(ongoing.until)),
        why: ongoing.why.clone(),
        strikes: i32::try_from(ongoing.strikes).unwrap_or(i32::MAX),
    }
}
