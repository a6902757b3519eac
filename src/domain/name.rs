//! Resource names, such as `accounts/openai/keys/main`.

use super::field::{FieldError, Parsed};
use super::id::Id;

mod display;

/// `accounts/{account}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(pub Id);

/// `accounts/{account}/keys/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    /// The account it is in.
    pub account: Id,
    /// Its own id.
    pub key: Id,
}

/// `accounts/{account}/keys/{key}/versions/{number}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionName {
    /// The key.
    pub key: KeyName,
    /// From 1 on.
    pub number: u32,
}

/// `accounts/{account}/keys/{key}/rotations/{rotation}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RotationName {
    /// The key.
    pub key: KeyName,
    /// Its own id.
    pub rotation: Id,
}

/// `pools/{pool}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolName(pub Id);

/// `callers/{caller}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallerName(pub Id);

/// `callers/{caller}/tokens/{token}`; a token's id is part of its text, and may have capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenName {
    /// The caller.
    pub caller: Id,
    /// The token's id.
    pub token: String,
}

/// What owns a limit, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OwnerName {
    /// `accounts/{account}`.
    Account(Id),
    /// `callers/{caller}`.
    Caller(Id),
}

/// `accounts/{account}/limits/{limit}` or `callers/{caller}/limits/{limit}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LimitName {
    /// The owner.
    pub owner: OwnerName,
    /// Its own id.
    pub limit: Id,
}

/// What a pool member or a health verdict is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetName {
    /// All keys of an account.
    Account(AccountName),
    /// One key.
    Key(KeyName),
}

fn malformed(field: &str, shape: &str) -> FieldError {
    FieldError::new(field, format!("must look like {shape}"))
}

impl AccountName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        match value.split_once('/') {
            Some(("accounts", account)) => Ok(Self(Id::parse(field, account)?)),
            _ => Err(malformed(field, "accounts/{account}")),
        }
    }
}

impl KeyName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        match value.split('/').collect::<Vec<_>>()[..] {
            ["accounts", account, "keys", key] => Ok(Self {
                account: Id::parse(field, account)?,
                key: Id::parse(field, key)?,
            }),
            _ => Err(malformed(field, "accounts/{account}/keys/{key}")),
        }
    }
}

impl VersionName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        let shape = || malformed(field, "accounts/{account}/keys/{key}/versions/{number}");
        let (key, number) = value.rsplit_once("/versions/").ok_or_else(shape)?;
        let number = number.parse().ok().filter(|n| *n > 0).ok_or_else(shape)?;
        Ok(Self {
            key: KeyName::parse(field, key)?,
            number,
        })
    }
}

impl RotationName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        let shape = "accounts/{account}/keys/{key}/rotations/{rotation}";
        let (key, rotation) = value
            .rsplit_once("/rotations/")
            .ok_or_else(|| malformed(field, shape))?;
        Ok(Self {
            key: KeyName::parse(field, key)?,
            rotation: Id::parse(field, rotation)?,
        })
    }
}

impl PoolName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        match value.split_once('/') {
            Some(("pools", pool)) => Ok(Self(Id::parse(field, pool)?)),
            _ => Err(malformed(field, "pools/{pool}")),
        }
    }
}

impl CallerName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        match value.split_once('/') {
            Some(("callers", caller)) => Ok(Self(Id::parse(field, caller)?)),
            _ => Err(malformed(field, "callers/{caller}")),
        }
    }
}

impl TokenName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        match value.split('/').collect::<Vec<_>>()[..] {
            ["callers", caller, "tokens", token]
                if (1..=32).contains(&token.len())
                    && token.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                Ok(Self {
                    caller: Id::parse(field, caller)?,
                    token: token.to_owned(),
                })
            }
            _ => Err(malformed(field, "callers/{caller}/tokens/{token}")),
        }
    }
}

impl OwnerName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        match value.split_once('/') {
            Some(("accounts", account)) => Ok(Self::Account(Id::parse(field, account)?)),
            Some(("callers", caller)) => Ok(Self::Caller(Id::parse(field, caller)?)),
            _ => Err(malformed(field, "accounts/{account} or callers/{caller}")),
        }
    }
}

impl LimitName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shape.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        let (owner, limit) = value
            .rsplit_once("/limits/")
            .ok_or_else(|| malformed(field, "accounts/{account}/limits/{limit}"))?;
        Ok(Self {
            owner: OwnerName::parse(field, owner)?,
            limit: Id::parse(field, limit)?,
        })
    }
}

impl TargetName {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the shapes.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        if value.contains("/keys/") {
            return Ok(Self::Key(KeyName::parse(field, value)?));
        }
        AccountName::parse(field, value)
            .map(Self::Account)
            .map_err(|_| malformed(field, "accounts/{account} or accounts/{account}/keys/{key}"))
    }
}
