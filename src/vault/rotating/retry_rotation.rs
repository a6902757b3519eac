//! `RetryRotation`: the step that a rotation is at is tried again now, or its version is promoted untried.

use super::cancel_rotation::{reread, to_change};
use super::rotation_deeds::move_on;
use crate::domain::name::RotationName;
use crate::domain::rotation::Event;
use crate::vault::rotations::RotationView;
use crate::vault::{Done, Result, Verb, Work};

/// A rotation to go on with.
#[derive(Debug, Clone)]
pub struct RetryRotation {
    /// Which.
    pub name: RotationName,
    /// Promote its version untried.
    pub skips_test: bool,
}

impl Verb for RetryRotation {
    type Answer = RotationView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotationView>> {
        let (mut rotating, mut rotation) = to_change(work, &self.name).await?;
        let skips_test = self.skips_test;
        move_on(
            work,
            &mut rotating,
            &mut rotation,
            Event::Retry { skips_test },
        )
        .await?;
        let step = rotation.step.as_str();
        let summary = if skips_test {
            format!("version {} is current, untried", rotation.to_number)
        } else {
            format!("tried again, it is {step}")
        };
        Ok(Done {
            resource: self.name.to_string(),
            summary,
            answer: RotationView::new(self.name.key, rotation),
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<RotationView> {
        reread(work, self.name).await
    }
}
