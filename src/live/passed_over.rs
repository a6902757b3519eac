//! A key that is passed over for something other than permits: why, until when, and by what name people know it.

use std::sync::Arc;

use super::account::Rest;
use super::snapshot::{AccountEntry, Candidate, VersionEntry};
use crate::domain::disablement::Disablement;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::hindrance::Hindrance;
use crate::domain::incident::IncidentKind;
use crate::domain::key::Key;
use crate::domain::name::{AccountName, KeyName};
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::Timestamp;

/// A key that is passed over: of those with the same reason, a refusal names the one that may serve first.
#[derive(Debug)]
pub(super) struct First {
    account: Arc<AccountEntry>,
    key: Arc<Key>,
    version: Option<Arc<VersionEntry>>,
    pub(super) over: PassedOver,
}

/// Why a key is passed over, and until when.
#[derive(Debug, Clone)]
pub(super) struct PassedOver {
    pub(super) refusal: KeyRefusal,
    pub(super) until: Option<Timestamp>,
    /// The account is the matter, not this key of it.
    pub(super) is_of_account: bool,
    /// The cooldown; `None` where the version's health has it.
    pub(super) cause: Option<Cause>,
    /// The right to a canary, or a trial, is being asked for: in a moment this replica may give it.
    pub(super) is_awaited: bool,
    /// How a call that waits for it hears that it is over.
    pub(super) place: Place,
}

/// Where a call waits for the end of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In no line: nobody wakes it when that is over sooner than was said.
    Apart,
    /// First in line: it looks again at the end, and is woken where that comes sooner.
    First,
    /// Behind others, who wake it as it moves up.
    Behind,
}

impl PassedOver {
    pub(super) const fn of(refusal: KeyRefusal, until: Option<Timestamp>) -> Self {
        Self {
            refusal,
            until,
            is_of_account: false,
            cause: None,
            is_awaited: false,
            place: Place::Apart,
        }
    }

    pub(super) const fn until(refusal: KeyRefusal, until: Timestamp) -> Self {
        Self::of(refusal, Some(until))
    }

    pub(super) fn cooling(cause: Cause) -> Self {
        Self {
            until: Some(cause.until),
            cause: Some(cause),
            ..Self::of(KeyRefusal::Cooling, None)
        }
    }

    /// Too little is left of a budget of the account, by what its provider has said.
    pub(super) fn resting(Rest { cause, is_behind }: Rest) -> Self {
        Self {
            is_of_account: true,
            place: if is_behind {
                Place::Behind
            } else {
                Place::First
            },
            ..Self::cooling(cause)
        }
    }

    /// Of two reasons the one that clears later; this one, where both clear at once or never.
    pub(super) fn later(self, other: Self) -> Self {
        if self.is_before(&other) { other } else { self }
    }

    /// Whether every other key of the account that serves the same models hears this too, or something that clears later.
    pub(super) const fn is_of_all(&self) -> bool {
        let is_of_rules = matches!(
            self.refusal,
            KeyRefusal::Model | KeyRefusal::LimitUnread | KeyRefusal::Provider
        );
        self.is_of_account || is_of_rules
    }

    /// Whether a refusal names what it is about.
    pub(super) const fn has_a_name(&self) -> bool {
        matches!(
            self.refusal,
            KeyRefusal::Cooling | KeyRefusal::Provider | KeyRefusal::Dead | KeyRefusal::Disabled
        )
    }

    /// What never ends by itself comes last.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        (self.until.is_none(), self.until) < (other.until.is_none(), other.until)
    }
}

impl First {
    pub(super) fn of(candidate: &Candidate, over: PassedOver) -> Self {
        Self {
            account: Arc::clone(&candidate.account),
            key: Arc::clone(&candidate.key),
            version: candidate.version.clone(),
            over,
        }
    }

    /// `None` where it has cleared meanwhile, or has no name.
    pub(super) fn hindrance(&self, now: Timestamp) -> Option<Hindrance> {
        if !self.over.has_a_name() {
            return None;
        }
        let resource = self.resource();
        if self.over.refusal == KeyRefusal::Disabled {
            let word = self.word()?.clone();
            return Some(Hindrance::Disabled { resource, word });
        }
        let own = || {
            let health = self.version.as_ref()?.live.health(now);
            health.cause().cloned()
        };
        if self.over.refusal == KeyRefusal::Provider {
            return self.failing_provider(resource, now);
        }
        let mut cause = self.over.cause.clone().or_else(own)?;
        // A dead version whose canary is out waits for that.
        cause.until = self.over.until.unwrap_or(cause.until);
        Some(Hindrance::Ailing {
            refusal: self.over.refusal,
            resource,
            cause,
        })
    }

    pub(super) fn resource(&self) -> String {
        let account = self.account.account.id.clone();
        if self.over.refusal == KeyRefusal::Provider {
            return self.account.provider.place().to_string();
        }
        if self.over.is_of_account {
            return AccountName(account).to_text();
        }
        let key = self.key.id.clone();
        KeyName { account, key }.to_text()
    }

    fn failing_provider(&self, resource: String, now: Timestamp) -> Option<Hindrance> {
        let provider = &self.account.provider;
        let incident = provider.incident(IncidentKind::Breaker, now)?;
        let until = self.over.until.unwrap_or(incident.until);
        Some(Hindrance::Ailing {
            refusal: KeyRefusal::Provider,
            resource,
            cause: Cause::new(until, FailureClass::ProviderFault, incident.why),
        })
    }

    fn word(&self) -> Option<&Disablement> {
        if self.over.is_of_account {
            self.account.account.disablement.as_ref()
        } else {
            self.key.disablement.as_ref()
        }
    }
}
