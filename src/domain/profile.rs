//! Provider profiles: how each provider is spoken to.

use super::field::{FieldError, Parsed};

/// The built-in profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// api.openai.com and what speaks like it.
    Openai,
    /// api.anthropic.com.
    Anthropic,
    /// generativelanguage.googleapis.com.
    Gemini,
    /// api.stripe.com.
    Stripe,
    /// Anything else; the account says where the key goes.
    Generic,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Openai,
        Self::Anthropic,
        Self::Gemini,
        Self::Stripe,
        Self::Generic,
    ];

    /// Parses a field.
    ///
    /// # Errors
    /// Names the field and the profiles.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        let found = Self::ALL.into_iter().find(|p| p.as_str() == value);
        found.ok_or_else(|| {
            FieldError::new(
                field,
                "must be one of openai, anthropic, gemini, stripe, generic",
            )
        })
    }

    /// As in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Stripe => "stripe",
            Self::Generic => "generic",
        }
    }

    /// Where requests go if the account does not say.
    #[must_use]
    pub const fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com"),
            Self::Stripe => Some("https://api.stripe.com"),
            Self::Generic => None,
        }
    }

    /// Where the key goes: header, and what precedes the value.
    #[must_use]
    pub const fn header(self) -> (&'static str, &'static str) {
        match self {
            Self::Openai | Self::Stripe | Self::Generic => ("authorization", "Bearer "),
            Self::Anthropic => ("x-api-key", ""),
            Self::Gemini => ("x-goog-api-key", ""),
        }
    }

    /// A header that every request needs besides the key.
    #[must_use]
    pub const fn fixed_header(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Anthropic => Some(("anthropic-version", "2023-06-01")),
            Self::Openai | Self::Gemini | Self::Stripe | Self::Generic => None,
        }
    }
}

/// Where a generic provider expects the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Header or query parameter.
    pub kind: PlacementKind,
    /// Its name.
    pub name: String,
    /// Put before the value.
    pub prefix: String,
}

/// Kinds of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlacementKind {
    /// A header.
    Header,
    /// A query parameter.
    Query,
}
