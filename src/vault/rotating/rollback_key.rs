//! `RollbackKey`: the last rotation of a key is undone while its previous version is kept.

use super::cancel_rotation::reread;
use super::rotation_deeds::{Rotating, move_on};
use crate::domain::name::{KeyName, RotationName};
use crate::domain::rotation::{Event, Rotation};
use crate::store::rotations;
use crate::vault::error::Refusal;
use crate::vault::guard::check_etag;
use crate::vault::rotations::RotationView;
use crate::vault::{Done, Result, Verb, Work, get_key};

/// A key whose previous version is to be current again.
#[derive(Debug, Clone)]
pub struct RollbackKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for RollbackKey {
    type Answer = RotationView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotationView>> {
        let key = get_key::to_change(work, &self.name).await?;
        check_etag(&self.etag, &key.meta, &self.name)?;
        let last = rotations::of_current(work.conn, key.meta.uid).await?;
        let Some(mut rotation) = last else {
            let resource = self.name.to_string();
            let message = format!(
                "{resource} was not rotated to its current version, or its previous one is not kept any more: rotate another secret in with RotateKey"
            );
            return Err(Refusal::State { resource, message }.into());
        };
        let mut rotating = Rotating {
            name: self.name.clone(),
            key,
        };
        let undo = Event::RollBack {
            is_automatic: false,
        };
        move_on(work, &mut rotating, &mut rotation, undo).await?;
        let view = RotationView::new(self.name, rotation);
        Ok(Done {
            resource: view.name.to_string(),
            summary: summary(&view.rotation),
            answer: view,
        })
    }

    async fn replay(self, work: &mut Work<'_>, resource: &str) -> Result<RotationView> {
        reread(work, RotationName::parse("name", resource)?).await
    }
}

/// What was undone, for the audit.
pub(super) fn summary(rotation: &Rotation) -> String {
    let from = rotation.from_number.unwrap_or_default();
    let to = rotation.to_number;
    format!("rolled back: version {from} is current again, version {to} drains")
}
