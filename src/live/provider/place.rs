//! Where accounts go.

use std::fmt;

/// Where accounts go.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// How it is spoken to.
    pub profile: &'static str,
    /// With its port, where that is not the scheme's own.
    pub host: String,
}

impl Place {
    /// As stored: `openai/api.openai.com`.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{}/{}", self.profile, self.host)
    }
}

/// As people clear it: `providers/api.openai.com`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "providers/{}", self.host)
    }
}
