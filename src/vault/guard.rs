//! What every verb checks before it writes: that the row is ours, and that it is the one the caller has seen.

use super::Result;
use super::error::Refusal;
use super::keys::VaultKeys;
use crate::crypto::ProtectedRow;
use crate::domain::key::Meta;
use crate::store::Stored;

/// The resource, if its row's MAC is right. A row that was edited in the database is not written again: that would make it ours.
///
/// # Errors
/// [`Refusal::State`] names the resource and the remedy.
pub(super) fn verified<R: ProtectedRow>(
    keys: &VaultKeys,
    stored: Stored<R>,
    resource: &impl ToString,
) -> Result<R> {
    if keys.mac.verifies_row(&stored.resource, &stored.mac) {
        return Ok(stored.resource);
    }
    let resource = resource.to_string();
    tracing::error!(
        resource,
        "a row was changed outside of keylease, it is not used"
    );
    let message = format!(
        "{resource} was changed in the database outside of keylease and is not used, restore its row or delete it and create it anew"
    );
    Err(Refusal::State { resource, message }.into())
}

/// Refuses if the caller has seen another state. An empty etag skips the check.
///
/// # Errors
/// [`Refusal::EtagMismatch`].
pub(super) fn check_etag(etag: &str, meta: &Meta, resource: &impl ToString) -> Result<()> {
    if etag.is_empty() || etag == meta.etag() {
        return Ok(());
    }
    let resource = resource.to_string();
    Err(Refusal::EtagMismatch { resource }.into())
}

/// What was found, or the refusal that it is not there.
///
/// # Errors
/// [`Refusal::NotFound`].
pub(super) fn found<T>(option: Option<T>, resource: &impl ToString) -> Result<T> {
    option.ok_or_else(|| {
        let resource = resource.to_string();
        Refusal::NotFound { resource }.into()
    })
}
