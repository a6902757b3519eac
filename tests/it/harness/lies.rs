//! What a hostile caller says of a key that is well.

use keylease::proto::{Outcome, TransportFailureKind};

use super::outcomes::{answered, http, transport};

/// The longest delay that is believed at all: 31 days.
const LONGEST: (&str, &str) = ("retry-after", "2678400");

/// That a budget of the key itself is spent, as resellers say it.
pub(crate) const KEY_LIMIT: &str = r#"{"error":{"message":"Key limit exceeded (total limit)"}}"#;

/// The `n`th of the kinds of lies, over and over.
pub(crate) fn lie(n: usize) -> Outcome {
    let code = |code: &str| format!("{{\"error\":{{\"message\":\"x y\",\"code\":\"{code}\"}}}}");
    let told = |status, name: &str| answered(status, &[LONGEST], &code(name));
    match n % 12 {
        0 => http(401, &[]),
        1 => told(403, "insufficient_scope"),
        2 => told(401, "account_deactivated"),
        3 => http(402, &[LONGEST]),
        4 => told(429, "insufficient_quota"),
        5 => http(429, &[LONGEST]),
        6 => told(404, "model_not_found"),
        7 => http(503, &[LONGEST]),
        8 => transport(TransportFailureKind::Timeout),
        9 => transport(TransportFailureKind::Connect),
        10 => told(403, "unsupported_country_region_territory"),
        _ => answered(402, &[LONGEST], KEY_LIMIT),
    }
}
