//! Who may call, and what they may do.

use std::sync::Arc;

use uuid::Uuid;

use super::disablement::Disablement;
use super::distrust::Distrust;
use super::id::Id;
use super::key::Meta;
use super::models::Pattern;
use super::time::Timestamp;

/// The most grants of a caller.
pub const GRANTS_MAX: usize = 64;

/// A caller, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Uid, revision, labels and times.
    pub meta: Meta,
    /// The last segment of its name.
    pub id: Id,
    /// What it may do.
    pub grants: Vec<Grant>,
    /// A person's word.
    pub disablement: Option<Disablement>,
}

/// One thing a caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Everything.
    Admin,
    /// Health, disable and enable, rotate.
    Operator,
    /// Reads everything but secrets.
    Auditor,
    /// Leases from pools whose id matches.
    Lessee(Pattern),
}

impl Grant {
    /// The role as stored.
    #[must_use]
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Lessee(_) => "lessee",
        }
    }

    /// The pool pattern as stored; empty for roles that have none.
    #[must_use]
    pub fn pool_pattern(&self) -> &str {
        match self {
            Self::Lessee(pattern) => pattern.as_str(),
            Self::Admin | Self::Operator | Self::Auditor => "",
        }
    }
}

/// What a method of the admin service asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Auditor, operator or admin.
    Read,
    /// Operator or admin.
    Operate,
    /// Admin.
    Administer,
}

impl Right {
    /// The roles that have it, in words.
    #[must_use]
    pub const fn roles(self) -> &'static str {
        match self {
            Self::Read => "auditor, operator or admin",
            Self::Operate => "operator or admin",
            Self::Administer => "admin",
        }
    }
}

impl Caller {
    /// Whether a grant covers `right`.
    #[must_use]
    pub fn has(&self, right: Right) -> bool {
        self.grants.iter().any(|grant| match grant {
            Grant::Admin => true,
            Grant::Operator => right != Right::Administer,
            Grant::Auditor => right == Right::Read,
            Grant::Lessee(_) => false,
        })
    }

    /// Whether a grant covers leasing from the pool of this id. No other role implies it: an administrator who wants keys grants
    /// them to itself, which the audit shows.
    #[must_use]
    pub fn may_lease(&self, pool: &Id) -> bool {
        self.grants.iter().any(|grant| match grant {
            Grant::Lessee(pattern) => pattern.matches(pool.as_str()),
            Grant::Admin | Grant::Operator | Grant::Auditor => false,
        })
    }
}

/// A caller that has proven who it is. What was good when it came may not be good any more: see `Snapshot::still`.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The caller, as it was then.
    pub caller: Arc<Caller>,
    /// The token that proved it; `None` where whoever embeds the services vouches for the caller, and for as long as it pleases.
    pub token: Option<Arc<Token>>,
}

/// A caller's token, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Part of its text; finds it.
    pub id: String,
    /// Immutable.
    pub uid: Uuid,
    /// The revision of its last change.
    pub rev: i64,
    /// Whose it is.
    pub caller_uid: Uuid,
    /// Keyed hash of its secret part.
    pub hash: Vec<u8>,
    /// What it is for.
    pub display_name: String,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it ends by itself.
    pub expire_time: Option<Timestamp>,
    /// When it was revoked.
    pub revoke_time: Option<Timestamp>,
    /// Why its row is not believed, where whoever read it found that; no column has it.
    pub distrust: Option<Distrust>,
}

impl Token {
    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoke_time.is_none() && self.expire_time.is_none_or(|end| now < end)
    }
}
