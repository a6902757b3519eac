//! Whether a variable that is not imported may be a key nevertheless, which whoever deletes the file would lose.

use crate::cli::secret::SecretText;

/// Parts of names that keys have.
const NAME_PARTS: [&str; 3] = ["KEY", "SECRET", "TOKEN"];
/// How the keys of providers begin.
const BEGINNINGS: [&str; 14] = [
    "sk-", "sk_", "rk_", "pk_live_", "whsec_", "AIza", "AKIA", "xai-", "gsk_", "pplx-", "hf_",
    "r8_", "ghp_", "xoxb-",
];

/// Whether a variable looks like a key by its name or by its value. Rather one too many than one lost.
pub(super) fn looks_like_key(name: &str, value: &SecretText) -> bool {
    let value = value.expose();
    let begins = BEGINNINGS.iter().any(|start| value.starts_with(start));
    let name = name.to_ascii_uppercase();
    let is_named = NAME_PARTS.iter().any(|part| name.contains(part));
    begins || (is_named && !is_setting(value))
}

/// MAX_TOKENS and KEYCLOAK_URL have the names, and values that no key has.
fn is_setting(value: &str) -> bool {
    let is_switch = ["true", "false", "yes", "no", "on", "off"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word));
    is_switch || value.chars().all(|c| c.is_ascii_digit()) || value.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_name_or_by_value_and_settings_are_not_taken_for_them() {
        let looks = |name, value: &str| looks_like_key(name, &SecretText::new(value.into()));
        for (name, value) in [
            ("OPENAI_API_KEY_2", "abc123"),
            ("STRIPE_SECRET", "abc123"),
            ("github_token", "abc123"),
            ("STRIPE", "sk_live_123"),
            ("MAPS", "AIzaSyD"),
        ] {
            assert!(looks(name, value), "{name}");
        }
        for (name, value) in [
            ("NODE_ENV", "production"),
            ("MAX_TOKENS", "4096"),
            ("KEY_CHECK", "true"),
            ("KEYCLOAK_URL", "https://x.example.com"),
            ("STRIPE_KEY", ""),
        ] {
            assert!(!looks(name, value), "{name}");
        }
    }
}
