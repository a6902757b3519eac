//! `ListAlerts` and `SendTestAlert`.

use super::{Admin, Answer};
use crate::domain::alerts::{Kind, Severity};
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::{duration, timestamp};
use crate::store::alert_deliveries::Delivery;
use crate::vault::{Page, TestDelivery, ToldAlert};

pub(super) async fn list(
    admin: &Admin,
    _: &Identity,
    request: proto::ListAlertsRequest,
) -> Answer<proto::ListAlertsResponse> {
    let only = if request.open_only { "open" } else { "" };
    let page = Page::parse(
        admin.vault.keys(),
        &["ListAlerts", only],
        request.page_size,
        &request.page_token,
    )?;
    let (alerts, next_page_token) = admin.vault.list_alerts(request.open_only, &page).await?;
    Ok(proto::ListAlertsResponse {
        alerts: alerts.into_iter().map(alert).collect(),
        next_page_token,
    })
}

pub(super) async fn test(
    admin: &Admin,
    identity: &Identity,
    _: proto::SendTestAlertRequest,
) -> Answer<proto::SendTestAlertResponse> {
    let by = identity.caller_ref().name;
    let tried = admin.vault.send_test_alert(&admin.alerting, &by).await;
    Ok(proto::SendTestAlertResponse {
        deliveries: tried.into_iter().map(tested).collect(),
    })
}

fn tested(tried: TestDelivery) -> proto::TestDelivery {
    proto::TestDelivery {
        sink: tried.sink.as_str().to_owned(),
        delivered: tried.delivered,
        detail: tried.detail,
        took: Some(duration(tried.took)),
    }
}

fn alert((alert, deliveries): ToldAlert) -> proto::Alert {
    proto::Alert {
        uid: alert.uid.to_string(),
        kind: kind(&alert.kind).into(),
        kind_name: alert.kind,
        severity: severity(alert.severity).into(),
        resource: alert.resource,
        summary: alert.summary,
        remedy: alert.remedy,
        until: alert.until.map(timestamp),
        open_time: Some(timestamp(alert.open_time)),
        seen_time: Some(timestamp(alert.seen_time)),
        resolve_time: alert.resolve_time.map(timestamp),
        deliveries: deliveries.into_iter().map(delivery).collect(),
    }
}

fn delivery(delivery: Delivery) -> proto::AlertDelivery {
    let is_over = delivery.end_time.is_some();
    proto::AlertDelivery {
        uid: delivery.uid.to_string(),
        sink: delivery.sink,
        event: delivery
            .event
            .map(|event| event.as_str().to_owned())
            .unwrap_or_default(),
        attempts: i32::try_from(delivery.attempts).unwrap_or(i32::MAX),
        delivered: delivery.delivered,
        end_time: delivery.end_time.map(timestamp),
        next_attempt_time: (!is_over).then(|| timestamp(delivery.next_attempt_time)),
        detail: delivery.detail,
    }
}

fn kind(stored: &str) -> proto::AlertKind {
    let Some(kind) = Kind::from_stored(stored) else {
        return proto::AlertKind::Unspecified;
    };
    match kind {
        Kind::KeyDied => proto::AlertKind::KeyDied,
        Kind::KeyBarred => proto::AlertKind::KeyBarred,
        Kind::LastHealthyKey => proto::AlertKind::LastHealthyKey,
        Kind::FewHealthyKeys => proto::AlertKind::FewHealthyKeys,
        Kind::PoolExhausted => proto::AlertKind::PoolExhausted,
        Kind::QuotaSpent => proto::AlertKind::QuotaSpent,
        Kind::RotationDue => proto::AlertKind::RotationDue,
        Kind::RotationOverdue => proto::AlertKind::RotationOverdue,
        Kind::RotationFailed => proto::AlertKind::RotationFailed,
        Kind::KeyUndecryptable => proto::AlertKind::KeyUndecryptable,
        Kind::RowsDistrusted => proto::AlertKind::RowsDistrusted,
        Kind::LimitDiffers => proto::AlertKind::LimitDiffers,
        Kind::MassFailure => proto::AlertKind::MassFailure,
        Kind::JournalBehind => proto::AlertKind::JournalBehind,
    }
}

const fn severity(severity: Severity) -> proto::AlertSeverity {
    match severity {
        Severity::Info => proto::AlertSeverity::Info,
        Severity::Warning => proto::AlertSeverity::Warning,
        Severity::Critical => proto::AlertSeverity::Critical,
    }
}
