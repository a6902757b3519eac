//! What a refused call says, in its status and the details that come with it.

use std::time::Duration;

use keylease::proto::{LeaseRefusal, RefusalReason};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// What a refused call says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    /// Of its ErrorInfo.
    pub(crate) reason: String,
    pub(crate) message: String,
    /// The fields of its BadRequest.
    pub(crate) fields: Vec<String>,
    /// Of its RetryInfo.
    pub(crate) retry: Option<Duration>,
    /// Whether it has a QuotaFailure.
    pub(crate) is_quota: bool,
    /// The violations of it: subject and description.
    pub(crate) quotas: Vec<(String, String)>,
    /// Its LeaseRefusal.
    pub(crate) lease: Option<LeaseRefusal>,
}

impl Refusal {
    /// Every refusal of ours has a reason.
    pub(crate) fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let info = info.unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        assert_eq!(info.domain, "keylease");
        let violations = details.bad_request().map(|bad| &bad.field_violations);
        let fields = violations.into_iter().flatten();
        Self {
            code: status.code(),
            reason: info.reason.clone(),
            message: status.message().to_owned(),
            fields: fields.map(|violation| violation.field.clone()).collect(),
            retry: details.retry_info().and_then(|retry| retry.retry_delay),
            is_quota: details.quota_failure().is_some(),
            quotas: quotas(&details),
            lease: lease_refusal(status),
        }
    }

    /// How many keys were refused for this reason.
    pub(crate) fn count(&self, reason: RefusalReason) -> i32 {
        let refused = self.lease.iter().flat_map(|lease| &lease.refused);
        let of_reason = refused.filter(|refused| refused.reason() == reason);
        of_reason.map(|refused| refused.count).sum()
    }

    /// How many keys were refused.
    pub(crate) fn total(&self) -> i32 {
        let refused = self.lease.iter().flat_map(|lease| &lease.refused);
        refused.map(|refused| refused.count).sum()
    }

    /// Checks what every caller decides by; answers itself for more.
    pub(crate) fn is(self, code: Code, reason: &str) -> Self {
        assert_eq!(
            (self.code, self.reason.as_str()),
            (code, reason),
            "{self:?}"
        );
        self
    }
}

fn quotas(details: &ErrorDetails) -> Vec<(String, String)> {
    let quota = details.quota_failure();
    let violations = quota.into_iter().flat_map(|quota| &quota.violations);
    let pairs = violations.map(|v| (v.subject.clone(), v.description.clone()));
    pairs.collect()
}

fn lease_refusal(status: &Status) -> Option<LeaseRefusal> {
    let rich = tonic_types::pb::Status::decode(status.details()).unwrap();
    let mut details = rich.details.iter();
    let detail = details.find(|any| any.type_url.ends_with("/keylease.v1.LeaseRefusal"))?;
    Some(LeaseRefusal::decode(detail.value.as_slice()).unwrap())
}
