//! A rotator has revoked a secret, and meanwhile the turn of whoever asked was over: what it did stays on record, and somebody is told where
//! that secret is in use again.

use std::sync::Arc;

use super::Turn;
use crate::domain::name::RotationName;
use crate::domain::rotation::{Event, Rotation, Step};
use crate::store::secrets;
use crate::vault::error::{Error, Refusal};
use crate::vault::rotating::cancel_rotation::{reread, to_change};
use crate::vault::rotating::rotation_deeds::move_on;
use crate::vault::{Change, Done, Result, Vault, Verb, Work};

/// A revocation whose answer came when its turn was over.
pub(super) struct Late {
    pub(super) turn: Turn,
    /// The digest of the secret, if it was known.
    pub(super) fingerprint: Option<Vec<u8>>,
}

impl Late {
    fn name(&self) -> RotationName {
        RotationName {
            key: self.turn.name.clone(),
            rotation: self.turn.rotation.id.clone(),
        }
    }

    /// Whether a rotation has yet to have the same version revoked.
    fn is_open(&self, now: &Rotation) -> bool {
        now.number_to_revoke() == self.turn.rotation.number_to_revoke()
            && (now.step == Step::Revoking || now.cleans_up())
    }
}

impl Vault {
    /// Records it.
    pub(super) async fn note_late(self: &Arc<Self>, late: Late) -> Result<()> {
        let (rotation, version) = (late.name(), late.turn.rotation.number_to_revoke());
        tracing::warn!(%rotation, version, "a version is revoked at its provider, as was answered when its rotation had gone on without that");
        let change = Change::by_system("AdvanceRotation", "its rotator answered late");
        match self.change(change, late).await {
            // Its key is gone, or is another account's now: what was seen is in the log.
            Err(Error::Refused(Refusal::NotFound { .. })) => Ok(()),
            noted => noted,
        }
    }
}

impl Verb for Late {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let name = self.name();
        let number = self.turn.rotation.number_to_revoke();
        let (mut rotating, mut rotation) = to_change(work, &name).await?;
        if self.is_open(&rotation) {
            move_on(work, &mut rotating, &mut rotation, Event::Revoked).await?;
        }
        let holder = match &self.fingerprint {
            Some(fingerprint) => secrets::holder(work.conn, fingerprint).await?,
            None => None,
        };
        let summary = match holder {
            None => format!("version {number} is revoked at its provider, as was answered late"),
            Some(holder) => {
                let holder = holder.name();
                tracing::error!(
                    version = holder,
                    "a secret is in use that its provider has just revoked, rotate another in"
                );
                format!(
                    "version {number} is revoked at its provider, as was answered late, and with it {holder}, which has the same secret"
                )
            }
        };
        Ok(Done {
            answer: (),
            resource: name.to_string(),
            summary,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<()> {
        let name = self.name();
        reread(work, name).await.map(drop)
    }
}
