//! Signatures of webhooks, as the Standard Webhooks specification has them: HMAC-SHA256 over id, time and body.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Secret, keyed_hash::KeyedHash};

/// What a secret in base64 begins with.
const PREFIX: &[u8] = b"whsec_";
/// The fewest bytes of a secret: those of a key that nobody guesses.
const BYTES_MIN: usize = 24;
/// The most bytes of a secret.
const BYTES_MAX: usize = 1_024;
/// The most secrets at once: the new one, and the one that receivers still know.
const SECRETS_MAX: usize = 4;

/// The secrets that webhooks are signed with, each.
pub struct WebhookSecrets(Vec<KeyedHash>);

impl WebhookSecrets {
    /// One to a line: `whsec_` and base64, or any other text, which is taken as it is.
    ///
    /// # Errors
    /// Says what is wrong, without any of the text.
    pub fn parse(text: &Secret) -> Result<Self, String> {
        let lines = text.expose().split(|byte| *byte == b'\n');
        let lines = lines.map(<[u8]>::trim_ascii).filter(|l| !l.is_empty());
        let mut keys = Vec::new();
        for line in lines {
            if keys.len() == SECRETS_MAX {
                return Err(format!(
                    "holds more than {SECRETS_MAX} secrets, one to a line"
                ));
            }
            keys.push(key(line)?);
        }
        if keys.is_empty() {
            return Err("holds no secret".to_owned());
        }
        Ok(Self(keys))
    }

    /// Bytes as a line of such a text.
    pub(super) fn text(bytes: &[u8]) -> Secret {
        let mut text = PREFIX.to_vec();
        // As long as it has to be from the start: one that grew would leave copies behind.
        text.reserve_exact(bytes.len().div_ceil(3) * 4);
        text.resize(PREFIX.len() + bytes.len().div_ceil(3) * 4, 0);
        // The slice is as long as the text is.
        let _ = STANDARD.encode_slice(bytes, &mut text[PREFIX.len()..]);
        Secret::new(text)
    }

    /// The value of the header `webhook-signature`: a signature by each secret, apart by spaces.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: u64, body: &[u8]) -> String {
        let head = format!("{id}.{seconds}.");
        let signed = [head.as_bytes(), body].concat();
        let signatures = self.0.iter().map(|key| {
            let signature = STANDARD.encode(key.mac(&signed));
            format!("v1,{signature}")
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn key(line: &[u8]) -> Result<KeyedHash, String> {
    let bytes = match line.strip_prefix(PREFIX) {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| "holds a secret whose part after whsec_ is no base64".to_owned())?,
        None => line.to_vec(),
    };
    let bytes = Secret::new(bytes);
    if !(BYTES_MIN..=BYTES_MAX).contains(&bytes.len()) {
        return Err(format!(
            "holds a secret of {} bytes, which must have {BYTES_MIN} to {BYTES_MAX}",
            bytes.len()
        ));
    }
    Ok(KeyedHash::of(bytes.expose()))
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecrets(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<WebhookSecrets, String> {
        WebhookSecrets::parse(&Secret::new(text.as_bytes().to_vec()))
    }

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secrets = parsed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn each_of_several_secrets_signs() {
        let both = parsed("first secret of some length\n\n second secret of some length \n");
        let (both, second) = (
            both.unwrap(),
            parsed("second secret of some length").unwrap(),
        );
        let signature = both.sign("id", 1, b"{}");
        assert_eq!(signature.split(' ').count(), 2);
        assert!(signature.ends_with(&second.sign("id", 1, b"{}")));
        assert_ne!(second.sign("id", 1, b"{}"), second.sign("id", 2, b"{}"));
        assert_ne!(second.sign("id", 1, b"{}"), second.sign("ie", 1, b"{}"));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_told() {
        for text in [
            "",
            " \n",
            "short",
            "whsec_c2hvcnQ=",
            "whsec_no base64 at all, however long it is",
        ] {
            let problem = parsed(text).unwrap_err();
            assert!(problem.starts_with("holds"), "{problem}");
            assert!(!problem.contains("short") && !problem.contains("however"));
        }
        assert!(parsed(&"a line that is long enough\n".repeat(5)).is_err());
        assert_eq!(
            format!("{:?}", parsed("a line that is long enough").unwrap()),
            "WebhookSecrets(redacted)"
        );
    }
}
