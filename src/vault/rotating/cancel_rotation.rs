//! `CancelRotation`: a rotation that has not promoted its version is given up; the current version stays.

use super::rotation_deeds::{Rotating, move_on};
use crate::domain::name::RotationName;
use crate::domain::rotation::{CLAIM_LASTS, Event, Rotation};
use crate::store::rotations;
use crate::vault::error::Refusal;
use crate::vault::guard::found;
use crate::vault::rotations::RotationView;
use crate::vault::{Done, Result, Verb, Work, get_key};

/// A rotation to give up.
#[derive(Debug, Clone)]
pub struct CancelRotation {
    /// Which.
    pub name: RotationName,
}

impl Verb for CancelRotation {
    type Answer = RotationView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotationView>> {
        let (mut rotating, mut rotation) = to_change(work, &self.name).await?;
        check_unasked(work, &self.name, &rotation).await?;
        move_on(work, &mut rotating, &mut rotation, Event::Cancel).await?;
        Ok(Done {
            resource: self.name.to_string(),
            summary: summary(&rotation),
            answer: RotationView::new(self.name.key, rotation),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<RotationView> {
        reread(work, self.name).await
    }
}

/// Of a rotation that is given up, for the audit.
pub(in crate::vault) fn summary(rotation: &Rotation) -> String {
    format!("given up, it is {}", rotation.step.as_str())
}

/// A request that is on its way cannot be taken back: whoever gives it up would believe that the secret stays good. Nor is it tried again
/// meanwhile, or nobody would know any more that it is on its way.
pub(super) async fn check_unasked(
    work: &mut Work<'_>,
    name: &RotationName,
    rotation: &Rotation,
) -> Result<()> {
    if !rotations::is_being_asked(work.conn, rotation.uid).await? {
        return Ok(());
    }
    let resource = name.to_string();
    let message = format!(
        "{resource} is having version {} revoked at its provider at this moment: look again within {} s what came of it",
        rotation.number_to_revoke(),
        CLAIM_LASTS.as_secs()
    );
    Err(Refusal::State { resource, message }.into())
}

/// The rotation that a person's word is about, and its key.
pub(super) async fn to_change(
    work: &mut Work<'_>,
    name: &RotationName,
) -> Result<(Rotating, Rotation)> {
    let key = get_key::to_change(work, &name.key).await?;
    let rotation = rotations::find(work.conn, key.meta.uid, &name.rotation).await?;
    let rotation = found(rotation, name)?;
    let rotating = Rotating {
        name: name.key.clone(),
        key,
    };
    Ok((rotating, rotation))
}

/// The rotation within a change, as it stands.
pub(super) async fn reread(work: &mut Work<'_>, name: RotationName) -> Result<RotationView> {
    let key = get_key::stored(work.conn, &name.key).await?;
    let rotation = rotations::find(work.conn, key.meta.uid, &name.rotation).await?;
    let rotation = found(rotation, &name)?;
    Ok(RotationView { name, rotation })
}
