//! A credential on its way in: one string, or a few named parts.

use std::collections::BTreeMap;

use super::keys::VaultKeys;
use crate::crypto::{FingerprintKey, Secret};
use crate::domain::field::{FieldError, Parsed, has_blank_ends};

/// The field that an ordinary credential, one string, is stored as.
pub const WHOLE: &str = "value";
/// The longest part, in bytes.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// The most parts.
const FIELDS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 63;

/// The parts of a credential by name; an ordinary one has the single part [`WHOLE`].
#[derive(Debug)]
pub struct SecretValue(BTreeMap<String, Secret>);

impl SecretValue {
    /// Parses the field `path`. No message repeats anything of a value.
    ///
    /// # Errors
    /// Names the field and the bound.
    pub fn parse(path: &str, value: String, fields: BTreeMap<String, String>) -> Parsed<Self> {
        // Taken over first, so that what is refused is wiped as well.
        let whole = Secret::from_string(value);
        let fields: BTreeMap<_, _> = fields
            .into_iter()
            .map(|(name, value)| (name, Secret::from_string(value)))
            .collect();
        if fields.is_empty() {
            check_value(&format!("{path}.value"), &whole)?;
            return Ok(Self(BTreeMap::from([(WHOLE.to_owned(), whole)])));
        }
        let path = format!("{path}.fields");
        if !whole.is_empty() {
            return Err(FieldError::new(path, "must not come together with value"));
        }
        if fields.len() > FIELDS_MAX {
            let message = format!(
                "has {} parts, at most {FIELDS_MAX} are allowed",
                fields.len()
            );
            return Err(FieldError::new(path, message));
        }
        for (name, value) in &fields {
            check_name(&path, name)?;
            check_value(&format!("{path}.{name}"), value)?;
        }
        Ok(Self(fields))
    }

    /// The parts by name.
    pub(super) const fn parts(&self) -> &BTreeMap<String, Secret> {
        &self.0
    }

    /// How many wraps sealing takes.
    pub(super) fn wraps(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }

    /// The keyed digest that finds the same credential elsewhere. Of several parts it is over all of them: one alone, such as a region,
    /// may well be common.
    pub(super) fn fingerprint(&self, keys: &VaultKeys) -> [u8; 32] {
        let parts = self.0.iter().map(|(name, value)| (name.as_str(), value));
        digest(&keys.fingerprint, &parts.collect())
    }
}

/// The keyed digest of a credential of these parts.
pub(super) fn digest(key: &FingerprintKey, parts: &BTreeMap<&str, &Secret>) -> [u8; 32] {
    if let (Some(whole), 1) = (parts.get(WHOLE), parts.len()) {
        return key.fingerprint(whole);
    }
    let length = parts
        .iter()
        .map(|(name, value)| name.len() + value.len() + 8)
        .sum();
    let mut all = Vec::with_capacity(length);
    for (name, value) in parts {
        for part in [name.as_bytes(), value.expose()] {
            // Bounded far below 4 GiB by the parser.
            let part_length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            all.extend_from_slice(&part_length.to_be_bytes());
            all.extend_from_slice(part);
        }
    }
    key.fingerprint(&Secret::new(all))
}

fn check_name(path: &str, name: &str) -> Parsed<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(allowed) {
        let message = "has a name that is not 1 to 63 characters of a-z, 0-9 and '_'";
        return Err(FieldError::new(path, message));
    }
    if name == WHOLE {
        let message = "names a part `value`; send a credential of one string as value";
        return Err(FieldError::new(path, message));
    }
    Ok(())
}

fn check_value(field: &str, value: &Secret) -> Parsed<()> {
    if value.is_empty() {
        return Err(FieldError::new(field, "is required"));
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(FieldError::new(field, "must have at most 16384 bytes"));
    }
    // It came as a string of the contract.
    let Ok(text) = std::str::from_utf8(value.expose()) else {
        return Err(FieldError::new(field, "must be UTF-8"));
    };
    if text.chars().any(char::is_control) {
        let message = "has control characters such as a line end, send it without them";
        return Err(FieldError::new(field, message));
    }
    // HTTP drops it from the ends of a header: the provider would be sent another secret than the one that is kept and found again.
    if has_blank_ends(text) {
        let message = "begins or ends with a blank, send it without";
        return Err(FieldError::new(field, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{ClusterKey, KeyRing, MasterKey};

    fn parse(value: &str, fields: &[(&str, &str)]) -> Parsed<SecretValue> {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        SecretValue::parse("secret", value.to_owned(), fields.collect())
    }

    #[test]
    fn a_secret_is_one_string_or_named_parts_and_never_both() {
        assert!(parse("sk-1", &[]).is_ok());
        assert!(parse("", &[("key_id", "a"), ("key", "b")]).is_ok());
        assert_eq!(parse("", &[]).unwrap_err().field, "secret.value");
        assert_eq!(
            parse("x", &[("a", "b")]).unwrap_err().field,
            "secret.fields"
        );
    }

    #[test]
    fn hostile_secrets_are_refused_without_being_repeated() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for value in [
            "sk-canary\n",
            "sk-canary\0",
            "sk-canary\u{85}",
            "\x7fsk-canary",
            " sk-canary",
            "sk-canary ",
            "sk-canary\u{a0}",
            "\u{feff}sk-canary",
            &long,
        ] {
            let refused = parse(value, &[]).unwrap_err();
            assert!(!refused.message.contains("canary"), "{refused:?}");
        }
        assert!(parse("two words", &[]).is_ok());
        assert!(parse("", &[("Name", "x")]).is_err());
        assert!(parse("", &[("value", "x")]).is_err());
        assert!(parse("", &[("a", "")]).is_err());
        let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(|name| (name, "x"));
        assert!(parse("", &nine).is_err());
        assert!(parse(&"x".repeat(VALUE_BYTES_MAX), &[]).is_ok());
        assert!(!format!("{:?}", parse("sk-canary", &[])).contains("canary"));
    }

    #[test]
    fn equal_credentials_have_equal_fingerprints_and_parts_do_not_run_together() {
        let ring = KeyRing::new(MasterKey::generate().unwrap(), vec![]).unwrap();
        let keys = VaultKeys::new(ring, ClusterKey::generate().unwrap());
        let print =
            |value: &str, fields: &[(&str, &str)]| parse(value, fields).unwrap().fingerprint(&keys);
        assert_eq!(print("x", &[]), print("x", &[]));
        assert_ne!(print("x", &[]), print("y", &[]));
        assert_eq!(
            print("", &[("a", "1"), ("b", "2")]),
            print("", &[("b", "2"), ("a", "1")])
        );
        assert_ne!(
            print("", &[("a", "1b"), ("b", "2")]),
            print("", &[("a", "1"), ("b", "b2")])
        );
    }
}
