//! What the name of a variable says.

/// Digits of the number of a backup; more is a slip.
const BACKUP_DIGITS_MAX: usize = 4;

/// A variable by its meaning. `prefix` is the X of `X_API_KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable<'a> {
    /// `X_API_KEY` (0), or `X_API_KEY_BACKUP_n`.
    Key { prefix: &'a str, backup: u32 },
    /// `X_BASE_URL`.
    BaseUrl { prefix: &'a str },
    /// `KEY_ROTATION_INTERVAL_HOURS`.
    RotationHours,
    /// `KEY_HEALTH_CHECK_ENABLED`.
    HealthCheck,
    /// `RATE_LIMIT_PER_MINUTE`.
    RatePerMinute,
    /// Meant as a backup, but not numbered as one.
    UnnumberedBackup,
    /// None of our business.
    Other,
}

impl<'a> Variable<'a> {
    /// Reads a name.
    pub(super) fn of(name: &'a str) -> Self {
        match name {
            "KEY_ROTATION_INTERVAL_HOURS" => return Self::RotationHours,
            "KEY_HEALTH_CHECK_ENABLED" => return Self::HealthCheck,
            "RATE_LIMIT_PER_MINUTE" => return Self::RatePerMinute,
            _ => {}
        }
        if let Some((prefix, number)) = name.split_once("_API_KEY_BACKUP") {
            return Self::backup(prefix, number);
        }
        let key = name.strip_suffix("_API_KEY").filter(|p| is_prefix(p));
        let url = name.strip_suffix("_BASE_URL").filter(|p| is_prefix(p));
        match (key, url) {
            (Some(prefix), _) => Self::Key { prefix, backup: 0 },
            (None, Some(prefix)) => Self::BaseUrl { prefix },
            (None, None) => Self::Other,
        }
    }

    fn backup(prefix: &'a str, number: &str) -> Self {
        if !is_prefix(prefix) {
            return Self::Other;
        }
        let digits = number.strip_prefix('_').filter(|digits| {
            let numeric = digits.chars().all(|c| c.is_ascii_digit());
            numeric && digits.len() <= BACKUP_DIGITS_MAX && !digits.starts_with('0')
        });
        match digits.and_then(|digits| digits.parse().ok()) {
            Some(backup) => Self::Key { prefix, backup },
            None => Self::UnnumberedBackup,
        }
    }
}

/// Upper case, as environment variables are; it becomes the id of an account.
fn is_prefix(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    text.starts_with(letter) && text.chars().all(|c| letter(c) || c == '_')
}

/// The id of the account of a prefix: `AZURE_OPENAI` becomes `azure-openai`.
pub(super) fn account_id(prefix: &str) -> String {
    prefix.to_ascii_lowercase().replace('_', "-")
}

/// Whether a name may be repeated: a stray line of base64 that ends in '=' looks like a name, and may be a secret.
pub(super) fn is_tellable(name: &str) -> bool {
    const LENGTH_MAX: usize = 64;
    name.len() <= LENGTH_MAX && !name.chars().any(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_their_ends() {
        let key = |prefix, backup| Variable::Key { prefix, backup };
        for (name, expected) in [
            ("OPENAI_API_KEY", key("OPENAI", 0)),
            ("AZURE_OPENAI_API_KEY", key("AZURE_OPENAI", 0)),
            ("OPENAI_API_KEY_BACKUP_1", key("OPENAI", 1)),
            ("OPENAI_API_KEY_BACKUP_12", key("OPENAI", 12)),
            ("OPENAI_API_KEY_BACKUP", Variable::UnnumberedBackup),
            ("OPENAI_API_KEY_BACKUP_0", Variable::UnnumberedBackup),
            ("OPENAI_API_KEY_BACKUP_01", Variable::UnnumberedBackup),
            ("OPENAI_API_KEY_BACKUP_B", Variable::UnnumberedBackup),
            ("OPENAI_API_KEY_BACKUP_", Variable::UnnumberedBackup),
            ("OPENAI_API_KEY_BACKUP_99999", Variable::UnnumberedBackup),
            ("OPENAI_BASE_URL", Variable::BaseUrl { prefix: "OPENAI" }),
            ("RATE_LIMIT_PER_MINUTE", Variable::RatePerMinute),
            ("API_KEY", Variable::Other),
            ("_API_KEY", Variable::Other),
            ("openai_API_KEY", Variable::Other),
            ("OPENAI_API_KEY_OLD", Variable::Other),
            ("DATABASE_URL", Variable::Other),
        ] {
            assert_eq!(Variable::of(name), expected, "{name}");
        }
    }

    #[test]
    fn a_prefix_becomes_an_id() {
        assert_eq!(account_id("AZURE_OPENAI"), "azure-openai");
    }

    #[test]
    fn a_name_that_may_be_a_secret_is_not_told() {
        assert!(is_tellable("DATABASE_URL"));
        assert!(!is_tellable("c2stY2FuYXJ5"));
        assert!(!is_tellable(&"A".repeat(65)));
    }
}
