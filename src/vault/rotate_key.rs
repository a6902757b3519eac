//! `RotateKey`: the new secret is current at once, and the previous one is kept until its leases have ended.

use uuid::Uuid;

use super::create_key::insert_current;
use super::guard::{check_etag, found};
use super::rotations::RotationView;
use super::secret_value::SecretValue;
use super::{Done, Result, Verb, Work, get_account, get_key, sealing};
use crate::domain::id::Id;
use crate::domain::key::{Key, KeyVersion, Stage};
use crate::domain::name::{AccountName, KeyName, RotationName};
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::rotation::{Rotation, Step};
use crate::store::{key_versions, keys, rotations, secrets};

/// A key whose secret is to be replaced.
#[derive(Debug)]
pub struct RotateKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// The new secret.
    pub secret: SecretValue,
    /// Revoke the previous version now, without waiting for its leases.
    pub revoke_previous_now: bool,
}

impl Verb for RotateKey {
    type Answer = RotationView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotationView>> {
        let mut key = get_key::to_change(work, &self.name).await?;
        check_etag(&self.etag, &key.meta, &self.name)?;
        let account_name = AccountName(self.name.account.clone());
        let account = get_account::to_change(work, &account_name).await?;
        let secrets = [("secret".to_owned(), &self.secret)];
        sealing::refuse_known(work, Some(&self.name), &secrets).await?;
        let newest = key_versions::newest(work.conn, key.meta.uid).await?;
        let number = newest.map_or(1, |newest| newest + 1);
        let current = key_versions::current(work.conn, key.meta.uid).await?;
        let from_number = current.as_ref().map(|version| version.number);
        let drains = current.is_some() && !self.revoke_previous_now;
        if let Some(current) = current {
            self.replace(work, current).await?;
        }
        insert_current(work, &account, &key, number, &self.secret).await?;
        // The key's answer names its current version, so the key has changed too.
        key.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&key);
        keys::update(work.conn, &key, &mac).await?;
        let rotation = self
            .record(work, &key, (from_number, number), drains)
            .await?;
        Ok(Done {
            resource: rotation.name.to_string(),
            summary: summary(&rotation.rotation),
            answer: rotation,
        })
    }

    async fn replay(self, work: &mut Work<'_>, resource: &str) -> Result<RotationView> {
        let name = RotationName::parse("name", resource)?;
        let key = get_key::stored(work.conn, &name.key).await?;
        let rotation = rotations::find(work.conn, key.meta.uid, &name.rotation).await?;
        let rotation = found(rotation, &name)?;
        Ok(RotationView { name, rotation })
    }
}

impl RotateKey {
    /// Takes the current version out of new leases. A call may ask for the longest lease whatever its pool says, so that is how long the
    /// last one can be out.
    async fn replace(&self, work: &mut Work<'_>, mut current: KeyVersion) -> Result<()> {
        current.meta.touch(work.rev, work.now);
        if self.revoke_previous_now {
            current.stage = Stage::Revoked;
            current.revoke_time = Some(work.now);
            secrets::erase(work.conn, current.meta.uid).await?;
        } else {
            current.stage = Stage::Previous;
            current.drain_until = Some(work.now.after(LEASE_DURATION_MAX));
        }
        Ok(key_versions::update(work.conn, &current).await?)
    }

    async fn record(
        &self,
        work: &mut Work<'_>,
        key: &Key,
        (from_number, to_number): (Option<u32>, u32),
        drains: bool,
    ) -> Result<RotationView> {
        let rotation = Rotation {
            uid: Uuid::now_v7(),
            key_uid: key.meta.uid,
            // A rotation is known by the version it brought.
            id: Id::parse("rotation", &to_number.to_string())?,
            step: if drains { Step::Draining } else { Step::Done },
            from_number,
            to_number,
            reason: work.reason.to_owned(),
            create_time: work.now,
            update_time: work.now,
        };
        rotations::insert(work.conn, &rotation).await?;
        let name = RotationName {
            key: self.name.clone(),
            rotation: rotation.id.clone(),
        };
        Ok(RotationView { name, rotation })
    }
}

fn summary(rotation: &Rotation) -> String {
    let to = rotation.to_number;
    match (rotation.from_number, rotation.step) {
        (None, _) => format!("version {to} is current"),
        (Some(from), Step::Draining) => format!("version {to} is current, version {from} drains"),
        (Some(from), _) => format!("version {to} is current, version {from} is revoked"),
    }
}
