//! What is asked of a caller when it is created or changed, and the rule that somebody must be left who may administer.

use super::caller::{Caller, Grant, Right};
use super::disablement::is_disabled;
use super::field::{FieldError, Parsed};
use super::labels::Labels;
use super::models::Pattern;
use super::time::Timestamp;

/// The most tokens of one caller that are good at a time.
pub const TOKENS_MAX: usize = 64;
/// The longest display name of a token, in bytes.
pub const DISPLAY_NAME_BYTES_MAX: usize = 128;
/// The longest life of a token that has an end: ten years.
pub const TOKEN_LIFE_MAX: std::time::Duration = std::time::Duration::from_hours(24 * 3653);

/// The fields of a caller that are to change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallerDraft {
    /// Free labels.
    pub labels: Option<Labels>,
    /// All grants, anew.
    pub grants: Option<Vec<Grant>>,
}

impl CallerDraft {
    /// Changes `caller`.
    pub fn apply(self, caller: &mut Caller) {
        if let Some(labels) = self.labels {
            caller.meta.labels = labels;
        }
        if let Some(grants) = self.grants {
            caller.grants = grants;
        }
    }
}

impl Grant {
    /// Parses a grant from the stored name of its role and its pattern, which the role lessee needs and no other has.
    ///
    /// # Errors
    /// Names the field of the grant that is wrong.
    pub fn parse(field: &str, role: &str, pool_pattern: &str) -> Parsed<Self> {
        let pattern_field = format!("{field}.pool_pattern");
        let plain = |grant: Self| {
            if pool_pattern.is_empty() {
                return Ok(grant);
            }
            Err(FieldError::new(
                &pattern_field,
                format!("is only for the role lessee, leave it empty for the role {role}"),
            ))
        };
        match role {
            "admin" => plain(Self::Admin),
            "operator" => plain(Self::Operator),
            "auditor" => plain(Self::Auditor),
            "lessee" if pool_pattern.is_empty() => Err(FieldError::new(
                &pattern_field,
                "is required for the role lessee: pools by id, such as openai-* or *",
            )),
            "lessee" => Ok(Self::Lessee(Pattern::parse(&pattern_field, pool_pattern)?)),
            _ => Err(FieldError::new(
                format!("{field}.role"),
                "must be admin, operator, auditor or lessee",
            )),
        }
    }
}

/// Whether `caller` can administer at `now`.
#[must_use]
pub fn is_enabled_admin(caller: &Caller, now: Timestamp) -> bool {
    caller.has(Right::Administer) && !is_disabled(caller.disablement.as_ref(), now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_lessees_and_lessees_need_one() {
        for role in ["admin", "operator", "auditor"] {
            assert_eq!(Grant::parse("g", role, "").unwrap().role(), role);
            let fault = Grant::parse("g", role, "*").unwrap_err();
            assert_eq!(fault.field, "g.pool_pattern");
        }
        assert_eq!(
            Grant::parse("g", "lessee", "openai-*")
                .unwrap()
                .pool_pattern(),
            "openai-*"
        );
        assert_eq!(
            Grant::parse("g", "lessee", "").unwrap_err().field,
            "g.pool_pattern"
        );
    }

    #[test]
    fn hostile_roles_and_patterns_are_refused() {
        for role in ["", "Admin", "admin ", "root", "lessee\0"] {
            assert_eq!(Grant::parse("g", role, "").unwrap_err().field, "g.role");
        }
        let huge = "a".repeat(1 << 20);
        for pattern in ["[a", "{a,b}", "a\0", "!a", "\\*", huge.as_str()] {
            assert!(Grant::parse("g", "lessee", pattern).is_err());
        }
    }
}
