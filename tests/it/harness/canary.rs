//! Looking for a secret in a text, in every form that it could have.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What a secret could look like: in clear, as hex, as base64 at any offset, as a list of bytes.
fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let mut forms = vec![secret.to_owned(), hex.to_uppercase(), hex, list.join(", ")];
    for offset in 0..3 {
        let shifted = [vec![0; offset], secret.as_bytes().to_vec()].concat();
        for text in [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ] {
            // The first and last characters hold bits of what stands beside it.
            forms.push(text[4..text.len() - 4].to_owned());
        }
    }
    forms
}

/// Panics where any secret is in a text, in any form, and says which and where.
pub(crate) fn check(place: &str, text: &str, secrets: &[String]) {
    for secret in secrets {
        for form in forms(secret) {
            if let Some(at) = text.find(&form) {
                let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
                panic!("{place} has {secret} as {form}: {}", &text[start..at]);
            }
        }
    }
}

#[test]
fn every_form_of_a_secret_is_found() {
    let secret = "sk-Canary_Created_v3Kd6Py1Hn5Gs0";
    let secrets = [secret.to_owned()];
    let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
    let long = format!("with something before {secret} and behind");
    for text in [
        long.clone(),
        hex,
        STANDARD_NO_PAD.encode(&long),
        URL_SAFE_NO_PAD.encode(&long[1..]),
    ] {
        let found = std::panic::catch_unwind(|| check("a text", &text, &secrets));
        assert!(found.is_err(), "{text}");
    }
    check("a text", "nothing of the kind", &secrets);
}
