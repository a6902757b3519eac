//! What a rotator makes has the parts of what it replaces: whoever leases the key reads the credential as before, and nobody tests one of
//! several parts.

use std::collections::BTreeSet;

use crate::store::{key_versions, secrets};
use crate::vault::error::Refusal;
use crate::vault::rotating::rotation_deeds::Rotating;
use crate::vault::secret_value::{SecretValue, WHOLE};
use crate::vault::{Result, Work};

/// Refuses a secret of other parts than the current version has.
///
/// # Errors
/// Names both, and waits for a person: the rotator would answer the same again.
pub(super) async fn refuse_others(
    work: &mut Work<'_>,
    rotating: &Rotating,
    made: &SecretValue,
) -> Result<()> {
    let current = key_versions::current(work.conn, rotating.key.meta.uid).await?;
    let Some(current) = current else {
        return Ok(());
    };
    let stored = secrets::of_version(work.conn, current.meta.uid).await?;
    let wanted: BTreeSet<&str> = stored.iter().map(|row| row.field.as_str()).collect();
    let came: BTreeSet<&str> = made.parts().keys().map(String::as_str).collect();
    // Of a version whose rows are gone nobody knows what it had.
    if wanted.is_empty() || wanted == came {
        return Ok(());
    }
    let message = format!(
        "the rotator answered {}, and the current version has {}: mend the rotator and retry, which has it make another, or give the rotation \
         up, which has what it made revoked; to have a secret of other parts from now on rotate one in by hand",
        named(&came),
        named(&wanted)
    );
    let resource = rotating.name.to_string();
    Err(Refusal::State { resource, message }.into())
}

fn named(parts: &BTreeSet<&str>) -> String {
    if parts.contains(WHOLE) {
        return "a single value".to_owned();
    }
    let names: Vec<&str> = parts.iter().copied().collect();
    format!("the fields {}", names.join(", "))
}
