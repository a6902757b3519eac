//! A limit of an account that says no: by what name people know it, what it is to a key, and when it clears.

use std::sync::Arc;

use super::choose::Now;
use super::snapshot::AccountEntry;
use crate::domain::hindrance::{Hindrance, LimitHindrance};
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::ledger::work::Wait;
use crate::domain::name::{LimitName, OwnerName};
use crate::domain::prices::NoPrice;
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::Timestamp;

/// A limit of an account that says no.
#[derive(Debug)]
pub(super) struct Refusing {
    account: Arc<AccountEntry>,
    pub(super) lack: Lack,
    /// `None` where waiting does not help.
    pub(super) clears: Option<Timestamp>,
    no_price: Option<Box<NoPrice>>,
}

impl Refusing {
    pub(super) fn new(
        account: &Arc<AccountEntry>,
        lack: Lack,
        no_price: Option<&NoPrice>,
        now: Now,
    ) -> Self {
        Self {
            account: Arc::clone(account),
            clears: lack.because.clears(now),
            no_price: no_price.cloned().map(Box::new),
            lack,
        }
    }

    pub(super) fn hindrance(&self) -> Hindrance {
        Hindrance::Limit(LimitHindrance {
            refusal: self.lack.because.refusal(),
            name: LimitName {
                owner: OwnerName::Account(self.account.account.id.clone()),
                limit: self.lack.limit.id.clone(),
            },
            limit: Arc::clone(&self.lack.limit),
            needed: self.lack.needed,
            clears: self.clears,
            no_price: self.no_price.clone(),
        })
    }
}

impl Because {
    /// What it is to a key.
    pub(super) const fn refusal(self) -> KeyRefusal {
        match self {
            Self::Short(wait) => shortage(wait),
            Self::TooLarge => KeyRefusal::TooLarge,
            Self::ModelRequired => KeyRefusal::ModelRequired,
            Self::CostRequired => KeyRefusal::CostRequired,
        }
    }

    /// When it clears; `None` where waiting does not help.
    pub(super) fn clears(self, now: Now) -> Option<Timestamp> {
        match self {
            Self::Short(wait) => {
                let after = wait.retry_at(now.boot).since(now.boot);
                Some(now.database.after(after))
            }
            Self::TooLarge | Self::ModelRequired | Self::CostRequired => None,
        }
    }
}

const fn shortage(wait: Wait) -> KeyRefusal {
    if wait.is_unreachable {
        KeyRefusal::Unreachable
    } else if wait.is_frozen {
        KeyRefusal::Frozen
    } else {
        KeyRefusal::Limit
    }
}
