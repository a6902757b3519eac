//! `RetryRotation`: the step that a rotation is at is tried again now, or its version is promoted untried, or what it leaves to drain is
//! revoked without waiting any longer.

use uuid::Uuid;

use super::cancel_rotation::{check_unasked, reread, to_change};
use super::revoke_version::{Previous, revoke_version, summary};
use super::rotation_deeds::move_on;
use crate::domain::key::{KeyVersion, Stage};
use crate::domain::name::RotationName;
use crate::domain::rotation::{Event, Rotation, Step};
use crate::store::key_versions;
use crate::vault::error::Refusal;
use crate::vault::rotations::RotationView;
use crate::vault::{Done, Result, Verb, Work};

/// A rotation to go on with.
#[derive(Debug, Clone)]
pub struct RetryRotation {
    /// Which.
    pub name: RotationName,
    /// Promote its version untried.
    pub skips_test: bool,
    /// Revoke the version that it leaves to drain, without waiting for its leases and its grace.
    pub revoke_previous_now: bool,
}

impl Verb for RetryRotation {
    type Answer = RotationView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotationView>> {
        let (mut rotating, mut rotation) = to_change(work, &self.name).await?;
        if self.revoke_previous_now {
            let account_uid = rotating.key.account_uid;
            return self.revoke(work, &rotation, account_uid).await;
        }
        check_unasked(work, &self.name, &rotation).await?;
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

impl RetryRotation {
    async fn revoke(
        self,
        work: &mut Work<'_>,
        rotation: &Rotation,
        account_uid: Uuid,
    ) -> Result<Done<RotationView>> {
        let version = self.left_to_drain(work, rotation).await?;
        let previous = Previous {
            uid: version.meta.uid,
            key_uid: version.key_uid,
            account_uid,
            number: i32::try_from(version.number).unwrap_or(i32::MAX),
        };
        let twin = revoke_version(work, previous).await?;
        Ok(Done {
            resource: self.name.to_string(),
            summary: format!("version {} is {}", version.number, summary(twin)),
            answer: reread(work, self.name).await?,
        })
    }

    /// The previous version that waits for its leases: the one that was replaced, or the new one where that was taken back.
    async fn left_to_drain(&self, work: &mut Work<'_>, rotation: &Rotation) -> Result<KeyVersion> {
        let number = match rotation.step {
            Step::Draining => rotation.from_number,
            Step::RolledBack => Some(rotation.to_number),
            Step::Creating
            | Step::Pending
            | Step::Testing
            | Step::Revoking
            | Step::Done
            | Step::Cancelled => None,
        };
        if let Some(number) = number
            && let Some(version) = key_versions::find(work.conn, rotation.key_uid, number).await?
            && version.stage == Stage::Previous
        {
            return Ok(version);
        }
        let resource = self.name.to_string();
        let step = rotation.step.as_str();
        let message = format!(
            "{resource} leaves no version to drain, it is {step}: to replace what is current and revoke it at once, rotate another secret in by RotateKey with revoke_previous_now"
        );
        Err(Refusal::State { resource, message }.into())
    }
}
