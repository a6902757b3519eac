//! Names as text, the way they are parsed.

use std::fmt;

use super::{
    AccountName, CallerName, KeyName, LimitName, OwnerName, PoolName, RotationName, TargetName,
    TokenName, VersionName,
};

/// Writes names the way they are parsed.
macro_rules! display {
    ($($type:ty, $self:ident => $($format:expr),+;)+) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $self = self;
                write!(f, $($format),+)
            }
        }
    )+};
}

display! {
    AccountName, name => "accounts/{}", name.0;
    KeyName, name => "accounts/{}/keys/{}", name.account, name.key;
    VersionName, name => "{}/versions/{}", name.key, name.number;
    RotationName, name => "{}/rotations/{}", name.key, name.rotation;
    PoolName, name => "pools/{}", name.0;
    CallerName, name => "callers/{}", name.0;
    TokenName, name => "callers/{}/tokens/{}", name.caller, name.token;
    LimitName, name => "{}/limits/{}", name.owner, name.limit;
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "accounts/{id}"),
            Self::Caller(id) => write!(f, "callers/{id}"),
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => name.fmt(f),
            Self::Key(name) => name.fmt(f),
        }
    }
}

impl AccountName {
    /// As by `Display`, in one allocation: every lease has it.
    #[must_use]
    pub fn to_text(&self) -> String {
        ["accounts/", self.0.as_str()].concat()
    }
}

impl KeyName {
    /// As by `Display`, in one allocation: every lease has it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (account, key) = (self.account.as_str(), self.key.as_str());
        ["accounts/", account, "/keys/", key].concat()
    }
}
