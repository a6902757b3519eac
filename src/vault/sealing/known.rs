//! Secrets that the vault knows already, and those that a provider is being told to forget: neither is stored.

use crate::domain::field::{FIELD_ERRORS_MAX, FieldError};
use crate::domain::name::KeyName;
use crate::store::rotations::{self, Leaving};
use crate::store::secrets::{self, Duplicate};
use crate::vault::error::Refusal;
use crate::vault::secret_value::SecretValue;
use crate::vault::{Result, Work};

/// Refuses secrets that come twice, or that a key has already. Each comes with the path of its field; `rotated` is the key that is to
/// get it, where it has one before: its own previous one may come back, since that is how a rotation is undone. Refuses as well what a
/// rotator may have had revoked: whatever of it is yet to be asked for waits from here on until the change is made.
///
/// # Errors
/// [`Refusal::SecretExists`] names each field, and the key that has its secret; [`Refusal::SecretLeaving`] the rotation that has it revoked.
/// Never a value.
pub(in crate::vault) async fn refuse_known(
    work: &mut Work<'_>,
    rotated: Option<&KeyName>,
    secrets_by_path: &[(String, &SecretValue)],
) -> Result<()> {
    let digests: Vec<Vec<u8>> = secrets_by_path
        .iter()
        .map(|(_, secret)| secret.fingerprint(work.keys).to_vec())
        .collect();
    let stored = secrets::duplicates(work.conn, &digests).await?;
    let mut fields = Vec::new();
    for (place, (path, _)) in secrets_by_path.iter().enumerate() {
        let digest = &digests[place];
        let twin = digests[..place]
            .iter()
            .position(|earlier| earlier == digest);
        let mut known = stored.iter().filter(|known| known.fingerprint == *digest);
        if let Some(known) = known.find(|known| !comes_back(known, rotated)) {
            fields.push(FieldError::new(path, stored_already(known, rotated)));
        } else if let Some(twin) = twin {
            let message = format!(
                "is the same secret as {}, send it once",
                secrets_by_path[twin].0
            );
            fields.push(FieldError::new(path, message));
        }
    }
    fields.truncate(FIELD_ERRORS_MAX);
    if !fields.is_empty() {
        return Err(Refusal::SecretExists { fields }.into());
    }
    let leaving = rotations::leaving(work.conn, &digests).await?;
    let paths = secrets_by_path.iter().map(|(path, _)| path.as_str());
    refuse_leaving(paths.zip(&digests), &leaving)
}

/// A rotator that was asked to have a secret revoked may have done so, or do so yet: whoever leased it would be refused by its provider.
fn refuse_leaving<'a>(
    digests_by_path: impl Iterator<Item = (&'a str, &'a Vec<u8>)>,
    leaving: &[Leaving],
) -> Result<()> {
    let mut fields: Vec<FieldError> = digests_by_path
        .filter_map(|(path, digest)| {
            let mut asked = leaving.iter().filter(|leaving| leaving.may_be_gone);
            let leaving = asked.find(|leaving| leaving.fingerprint == *digest)?;
            Some(FieldError::new(path, may_be_gone(leaving)))
        })
        .collect();
    fields.truncate(FIELD_ERRORS_MAX);
    if fields.is_empty() {
        return Ok(());
    }
    Err(Refusal::SecretLeaving { fields }.into())
}

fn may_be_gone(leaving: &Leaving) -> String {
    let rotation = leaving.name();
    format!(
        "may be revoked at its provider by now, since {rotation} has asked for that: make another secret there, or, if you know this one to be good, give that rotation up with CancelRotation and send it again"
    )
}

/// Whether it is the previous secret of the key that is to get it again.
fn comes_back(known: &Duplicate, rotated: Option<&KeyName>) -> bool {
    !known.is_current && rotated.is_some_and(|rotated| rotated.to_text() == holder(known))
}

fn holder(known: &Duplicate) -> String {
    format!("accounts/{}/keys/{}", known.account_id, known.key_id)
}

fn stored_already(known: &Duplicate, rotated: Option<&KeyName>) -> String {
    let holder = holder(known);
    if rotated.is_some_and(|rotated| rotated.to_text() == holder) {
        return format!(
            "is the secret that {holder} has already: make a new one at the provider, and rotate that in"
        );
    }
    format!(
        "is stored already as a secret of {holder}: lease that key, or make another secret at the provider; deleting that key frees this one"
    )
}
