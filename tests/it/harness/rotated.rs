//! A cluster whose key is rotated, with a provider that is asked about each new version.

use std::time::Duration;

use keylease::proto::{
    CancelRotationRequest, GetRotationRequest, KeyVersion, ListKeyVersionsRequest,
    RetryRotationRequest, RollbackKeyRequest, RotateKeyRequest, Rotation, RotationStep,
    Rotator as Resource, SetRotatorRequest, VersionStage,
};
use tokio::time::sleep;
use tonic::Status;

use super::cluster::eventually;
use super::keys::KEY;
use super::probed::Probed;
use super::rotator::Rotator;
use super::setup::secret;

impl Probed {
    /// Rotates a secret in, as a person does.
    pub(crate) async fn rotate(&self, value: &str) -> Result<Rotation, Status> {
        let request = RotateKeyRequest {
            name: KEY.to_owned(),
            secret: Some(secret(value)),
            ..Default::default()
        };
        self.rotate_so(request).await
    }

    /// The same, asked for in full.
    pub(crate) async fn rotate_so(&self, request: RotateKeyRequest) -> Result<Rotation, Status> {
        let answer = self.admin.admin.clone().rotate_key(request).await?;
        Ok(answer.into_inner().rotation.unwrap())
    }

    /// The rotation to a version.
    pub(crate) async fn rotation(&self, to: u32) -> Rotation {
        let name = rotation_name(to);
        let request = GetRotationRequest { name };
        let answer = self.admin.admin.clone().get_rotation(request).await;
        answer.unwrap().into_inner().rotation.unwrap()
    }

    /// Until a rotation is at that step.
    pub(crate) async fn reaches(&self, to: u32, step: RotationStep) {
        let is_there = async || self.rotation(to).await.step() == step;
        eventually("the rotation gets there", is_there).await;
    }

    /// Until a secret is refused that a rotator has made and its provider rejects, but for the minute in which it may be too new to be known.
    pub(crate) async fn is_refused(&self, to: u32) {
        let last = format!(
            "update rotations set attempts = 4, next_attempt_time = clock_timestamp()
            where to_number = {to} and step = 'testing' and attempts between 1 and 3"
        );
        let is_tried = async || self.sql(&last).await == 1;
        eventually("the secret is tried", is_tried).await;
        let is_held = async || self.rotation(to).await.held;
        eventually("the secret is refused", is_held).await;
    }

    /// Gives a rotation up, once no request that revokes something for it is on its way.
    pub(crate) async fn cancel(&self, to: u32) -> Result<Rotation, Status> {
        loop {
            match self.try_cancel(to).await {
                Err(refused) if refused.message().contains("at this moment") => {
                    sleep(Duration::from_millis(20)).await;
                }
                answered => return answered,
            }
        }
    }

    /// The same, at once or not at all.
    pub(crate) async fn try_cancel(&self, to: u32) -> Result<Rotation, Status> {
        let request = CancelRotationRequest {
            name: rotation_name(to),
            reason: "the wrong one".to_owned(),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().cancel_rotation(request).await?;
        Ok(answer.into_inner().rotation.unwrap())
    }

    /// Goes on with a rotation.
    pub(crate) async fn retry(&self, to: u32, skip_test: bool) -> Result<Rotation, Status> {
        let request = RetryRotationRequest {
            name: rotation_name(to),
            skip_test,
            ..Default::default()
        };
        let answer = self.admin.admin.clone().retry_rotation(request).await?;
        Ok(answer.into_inner().rotation.unwrap())
    }

    /// Undoes the last rotation.
    pub(crate) async fn roll_back(&self) -> Result<Rotation, Status> {
        let request = RollbackKeyRequest {
            name: KEY.to_owned(),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().rollback_key(request).await?;
        Ok(answer.into_inner().rotation.unwrap())
    }

    /// The versions of the key, newest first.
    pub(crate) async fn versions(&self) -> Vec<KeyVersion> {
        let request = ListKeyVersionsRequest {
            parent: KEY.to_owned(),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().list_key_versions(request).await;
        answer.unwrap().into_inner().key_versions
    }

    /// Their stages.
    pub(crate) async fn stages(&self) -> Vec<VersionStage> {
        let versions = self.versions().await;
        versions.iter().map(KeyVersion::stage).collect()
    }

    /// Has the rotator asked for a new secret.
    pub(crate) async fn ask_for_one(&self) -> Result<Rotation, Status> {
        let request = RotateKeyRequest {
            name: KEY.to_owned(),
            ..Default::default()
        };
        self.rotate_so(request).await
    }

    /// Sets the rotator of the account; previous versions have no grace.
    pub(crate) async fn set_rotator(&self, rotator: &Rotator) {
        let url = format!("http://{}/rotate", rotator.address);
        let answer = self.try_rotator(&url).await.unwrap();
        rotator.knows(&answer);
    }

    /// Sets a rotator there; answers its secret.
    pub(crate) async fn try_rotator(&self, url: &str) -> Result<String, Status> {
        let request = SetRotatorRequest {
            rotator: Some(Resource {
                name: "accounts/a/rotator".to_owned(),
                url: url.to_owned(),
                allow_http: url.starts_with("http:"),
                grace: Some(prost_types::Duration::default()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().set_rotator(request).await?;
        Ok(answer.into_inner().signing_secret)
    }
}

fn rotation_name(to: u32) -> String {
    format!("{KEY}/rotations/{to}")
}
