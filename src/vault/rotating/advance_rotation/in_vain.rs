//! A secret that a rotator made when its rotation had been given up: nobody stores it, and its provider is to forget it.

use std::sync::Arc;

use super::Turn;
use crate::domain::key::{KeyVersion, Stage};
use crate::domain::name::RotationName;
use crate::domain::rotation::{Event, Rotation, Step};
use crate::domain::rotator::Reference;
use crate::store::{key_versions, rotations, rotators};
use crate::vault::error::{Error, Refusal};
use crate::vault::rotate_key::new_version;
use crate::vault::rotating::cancel_rotation::{reread, to_change};
use crate::vault::rotating::rotation_deeds::{Rotating, move_on};
use crate::vault::{Change, Done, Result, Vault, Verb, Work};

/// A secret that a rotator made.
pub(super) struct Made {
    /// The name that its provider has for it.
    pub(super) reference: String,
    /// Its digest.
    pub(super) fingerprint: Vec<u8>,
}

/// What was made, and for which rotation.
struct MadeInVain {
    name: RotationName,
    made: Made,
}

impl Vault {
    /// Has the rotation revoke what came too late, unless it goes on with another replica: then the rotator knows that it is asked again.
    pub(super) async fn give_back_made(self: &Arc<Self>, turn: Turn, made: Made) -> Result<()> {
        let name = RotationName {
            key: turn.name,
            rotation: turn.rotation.id,
        };
        let change = Change::by_system("AdvanceRotation", "its rotation had been given up");
        let told = (name.to_string(), made.reference.clone());
        match self.change(change, MadeInVain { name, made }).await {
            Err(Error::Refused(Refusal::NotFound { .. })) => {
                let (rotation, reference) = told;
                tracing::error!(
                    rotation,
                    reference,
                    "a rotator has made a secret for a key that is gone, revoke it at its provider"
                );
                Ok(())
            }
            Ok(()) | Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Verb for MadeInVain {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let resource = self.name.to_string();
        let (mut rotating, mut rotation) = to_change(work, &self.name).await?;
        if rotation.step != Step::Cancelled {
            let message = format!("{resource} was not given up");
            return Err(Refusal::State { resource, message }.into());
        }
        let version = unused(work, &rotating, &rotation).await?;
        let version_uid = version.meta.uid;
        let is_named = rotators::reference(work.conn, version_uid).await?.is_some();
        let Made {
            reference,
            fingerprint,
        } = self.made;
        if !reference.is_empty() && !is_named {
            let reference = Reference {
                version_uid,
                reference,
            };
            let mac = work.keys.mac.of_row(&reference);
            rotators::refer(work.conn, &reference, &mac).await?;
        }
        // Should somebody store it all the same, it is not revoked.
        rotations::note_secret(work.conn, rotation.uid, &fingerprint).await?;
        move_on(work, &mut rotating, &mut rotation, Event::Created).await?;
        let number = rotation.to_number;
        Ok(Done {
            answer: (),
            resource,
            summary: format!(
                "the rotator has made version {number} too late, it is to be revoked at its provider"
            ),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<()> {
        reread(work, self.name).await.map(drop)
    }
}

/// The version of a rotation that was given up, made where it never came to be: revoked, and without a secret.
async fn unused(
    work: &mut Work<'_>,
    rotating: &Rotating,
    rotation: &Rotation,
) -> Result<KeyVersion> {
    let number = rotation.to_number;
    if let Some(version) = key_versions::find(work.conn, rotation.key_uid, number).await? {
        return Ok(version);
    }
    let mut version = new_version(work, &rotating.key, rotation, Vec::new());
    version.stage = Stage::Revoked;
    version.revoke_time = Some(work.now);
    key_versions::insert(work.conn, &version).await?;
    key_versions::update(work.conn, &version).await?;
    Ok(version)
}
