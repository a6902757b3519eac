//! The last segment of a resource name.

use std::fmt;
use std::sync::Arc;

use super::field::{FieldError, Parsed};

/// The longest id.
pub const ID_BYTES_MAX: usize = 63;

/// 1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Id {
    /// Parses the value of a field.
    ///
    /// # Errors
    /// Names the field and what an id may be.
    pub fn parse(field: &str, value: &str) -> Parsed<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let bytes = value.as_bytes();
        let well_formed = !bytes.is_empty()
            && bytes.len() <= ID_BYTES_MAX
            && allowed(bytes[0])
            && bytes.iter().all(|b| allowed(*b) || *b == b'-');
        if !well_formed {
            return Err(FieldError::new(
                field,
                "must have 1 to 63 characters of a-z, 0-9 and '-', and begin with a letter or digit",
            ));
        }
        Ok(Self(value.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
