//! What a failure is blamed on, and what to do next.

/// What a failure is blamed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller's request.
    Request,
    /// The version the lease was given with.
    Key,
    /// The same, for one model.
    KeyModel,
    /// The account and all its keys.
    Account,
    /// The same, for one model.
    AccountModel,
    /// The provider.
    Provider,
    /// Our way out.
    Egress,
}

impl Blame {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Key,
        Self::KeyModel,
        Self::Account,
        Self::AccountModel,
        Self::Provider,
        Self::Egress,
    ];

    /// Whether all keys of the account are in it.
    #[must_use]
    pub const fn is_of_account(self) -> bool {
        matches!(self, Self::Account | Self::AccountModel)
    }

    /// As rules write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Key => "key",
            Self::KeyModel => "key_model",
            Self::Account => "account",
            Self::AccountModel => "account_model",
            Self::Provider => "provider",
            Self::Egress => "egress",
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// A key outside the blame can serve the same request.
    RetryOtherKey,
    /// The same request later.
    RetrySameLater,
    /// It will fail with any key.
    DoNotRetry,
}

impl Advice {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RetryOtherKey, Self::RetrySameLater, Self::DoNotRetry];

    /// As rules write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetryOtherKey => "retry_other_key",
            Self::RetrySameLater => "retry_same_later",
            Self::DoNotRetry => "do_not_retry",
        }
    }
}
