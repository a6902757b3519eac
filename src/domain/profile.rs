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

/// Headers between two machines, by RFC 9110 and its predecessors, and those that say where a request goes or ends: a key in one of them
/// would be sent elsewhere, taken out by a proxy, or break the request.
const STEERING_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

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

impl Placement {
    /// Only the profile generic has to be told where the key goes, and no key goes where the connection is steered.
    ///
    /// # Errors
    /// Names the field.
    pub fn check(profile: Profile, placement: Option<&Self>) -> Parsed<()> {
        if placement.is_some() && profile != Profile::Generic {
            let message = "is only for the profile generic, leave it unset";
            return Err(FieldError::new("credential_placement", message));
        }
        let steers = |place: &Self| {
            place.kind == PlacementKind::Header && STEERING_HEADERS.contains(&place.name.as_str())
        };
        if placement.is_some_and(steers) {
            let message = "steers the connection and never reaches the provider as written; name a header such as authorization or x-api-key";
            return Err(FieldError::new("credential_placement.header", message));
        }
        Ok(())
    }
}

impl PlacementKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        [Self::Header, Self::Query]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(kind: PlacementKind, name: &str) -> Parsed<()> {
        let (name, prefix) = (name.to_owned(), String::new());
        let placement = Placement { kind, name, prefix };
        Placement::check(Profile::Generic, Some(&placement))
    }

    #[test]
    fn no_key_goes_into_a_header_that_steers_the_connection() {
        for name in STEERING_HEADERS {
            let refused = placed(PlacementKind::Header, name).unwrap_err();
            assert_eq!(refused.field, "credential_placement.header", "{name}");
            assert!(placed(PlacementKind::Query, name).is_ok(), "{name}");
        }
        for name in ["authorization", "x-api-key", "api-key", "cookie", "x-host"] {
            assert!(placed(PlacementKind::Header, name).is_ok(), "{name}");
        }
    }
}
