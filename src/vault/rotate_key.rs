//! `RotateKey`: a new secret is stored, tried, and then current; the previous version is kept until its leases have ended and its grace
//! is over.

use std::time::Duration;

use uuid::Uuid;

use super::error::Refusal;
use super::guard::{check_etag, found};
use super::probe::is_askable;
use super::rotating::cancel_rotation;
use super::rotating::come_back;
use super::rotating::revoke_version::{self, Previous, revoke_version};
use super::rotating::rotation_deeds::{Rotating, move_on};
use super::rotations::{RotationView, under_way};
use super::secret_value::{SecretValue, WHOLE};
use super::{Done, Result, Verb, Work, get_account, get_key, sealing};
use crate::domain::account::Account;
use crate::domain::field::FieldError;
use crate::domain::health::Health;
use crate::domain::id::Id;
use crate::domain::key::{Key, KeyVersion, Meta, Stage};
use crate::domain::labels::Labels;
use crate::domain::name::{AccountName, KeyName, RotationName};
use crate::domain::rotation::{Event, GRACE_DEFAULT, Origin, Rotation, Step, Tested};
use crate::store::{key_versions, rotations, rotators};

/// A key whose secret is to be replaced.
#[derive(Debug)]
pub struct RotateKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// The new secret; none where the rotator of the account is to make it.
    pub secret: Option<SecretValue>,
    /// Revoke every previous version now, without a test and without waiting for their leases.
    pub revoke_previous_now: bool,
    /// Promote the new version untried.
    pub skips_test: bool,
    /// How long the previous version is kept at least.
    pub grace: Option<Duration>,
}

impl Verb for RotateKey {
    type Answer = RotationView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<RotationView>> {
        let key = get_key::to_change(work, &self.name).await?;
        check_etag(&self.etag, &key.meta, &self.name)?;
        let account_name = AccountName(self.name.account.clone());
        let account = get_account::to_change(work, &account_name).await?;
        let rotator = rotators::find(work.conn, account.meta.uid).await?;
        match &self.secret {
            Some(secret) => {
                let secrets = [("secret".to_owned(), secret)];
                sealing::refuse_known(work, Some(&self.name), &secrets).await?;
            }
            None => self.check_rotator(rotator.is_some(), &account_name)?,
        }
        let mut rotating = Rotating {
            name: self.name.clone(),
            key,
        };
        self.give_up_open(work, &mut rotating).await?;
        let current = key_versions::current(work.conn, rotating.key.meta.uid).await?;
        let from = current.map(|version| version.number);
        let of_account = rotator.as_ref().and_then(|rotator| rotator.resource.grace);
        let grace = self.grace.or(of_account).unwrap_or(GRACE_DEFAULT);
        let mut rotation = self.begin(work, &rotating.key, from, grace).await?;
        if let Some(secret) = &self.secret {
            let new = store_pending(work, &account, &rotating.key, &rotation, secret).await?;
            come_back::spare(work, new, &secret.fingerprint(work.keys)).await?;
        }
        rotations::insert(work.conn, &rotation).await?;
        let is_one = |secret: &SecretValue| secret.parts().contains_key(WHOLE);
        let is_tried = self.secret.as_ref().is_some_and(is_one) && is_askable(&account);
        if self.secret.is_some() && (!is_tried || from.is_none() || rotation.skips_test) {
            let proven = Event::Tested(Tested::Proven);
            move_on(work, &mut rotating, &mut rotation, proven).await?;
        }
        if self.revoke_previous_now {
            revoke_all_previous(work, &rotating).await?;
            let id = &rotation.id;
            let ended = rotations::find(work.conn, rotating.key.meta.uid, id).await?;
            rotation = found(ended, &self.name)?;
        }
        let view = RotationView::new(self.name, rotation);
        Ok(Done {
            resource: view.name.to_string(),
            summary: summary(&view.rotation),
            answer: view,
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
    /// Without a secret the rotator of the account makes one.
    fn check_rotator(&self, is_there: bool, account: &AccountName) -> Result<()> {
        let error = if !is_there {
            let message = format!("is required, since {account} has no rotator that makes one");
            FieldError::new("secret", message)
        } else if self.revoke_previous_now {
            let message =
                "must come with a secret: until a rotator has made one, nothing would serve";
            FieldError::new("revoke_previous_now", message)
        } else {
            return Ok(());
        };
        Err(Refusal::Fields(vec![error]).into())
    }

    /// Of a key one rotation at a time is before its promotion. One that is under way is not given up for another without a word, unless
    /// the key has leaked: then nothing stands in the way.
    async fn give_up_open(&self, work: &mut Work<'_>, rotating: &mut Rotating) -> Result<()> {
        let open = rotations::open_of_key(work.conn, rotating.key.meta.uid).await?;
        let Some(mut open) = open else { return Ok(()) };
        if self.revoke_previous_now {
            move_on(work, rotating, &mut open, Event::Cancel).await?;
            let resource = format!("{}/rotations/{}", self.name, open.id);
            work.note(resource, cancel_rotation::summary(&open));
            return Ok(());
        }
        Err(under_way(&self.name, &open).into())
    }

    async fn begin(
        &self,
        work: &mut Work<'_>,
        key: &Key,
        from: Option<u32>,
        grace: Duration,
    ) -> Result<Rotation> {
        let to_number = rotations::newest_number(work.conn, key.meta.uid).await? + 1;
        Ok(Rotation {
            uid: Uuid::now_v7(),
            key_uid: key.meta.uid,
            // A rotation is known by the version it brings.
            id: Id::parse("rotation", &to_number.to_string())?,
            step: match self.secret {
                Some(_) => Step::Pending,
                None => Step::Creating,
            },
            from_number: from,
            to_number,
            reason: work.reason.to_owned(),
            create_time: work.now,
            update_time: work.now,
            origin: match self.secret {
                Some(_) => Origin::Operator,
                None => Origin::Rotator,
            },
            skips_test: self.skips_test || self.revoke_previous_now,
            grace,
            step_time: work.now,
            attempts: 0,
            next_attempt: Some(work.now),
            why: String::new(),
            is_held: false,
            is_automatic: false,
            epoch: 0,
        })
    }
}

/// Nothing but the new version is good any more: those too end at once that an earlier rotation has left to drain. Whichever leaked, each
/// may be the one.
async fn revoke_all_previous(work: &mut Work<'_>, rotating: &Rotating) -> Result<()> {
    let (key_uid, account_uid) = (rotating.key.meta.uid, rotating.key.account_uid);
    for (uid, number) in key_versions::previous(work.conn, key_uid).await? {
        let previous = Previous {
            uid,
            key_uid,
            account_uid,
            number,
        };
        let twin = revoke_version(work, previous).await?;
        let resource = format!("{}/versions/{number}", rotating.name);
        work.note(resource, revoke_version::summary(twin));
    }
    Ok(())
}

/// Stores the secret as the new version of a rotation: sealed for the hosts of its account, and leased to nobody yet.
pub(super) async fn store_pending(
    work: &mut Work<'_>,
    account: &Account,
    key: &Key,
    rotation: &Rotation,
    secret: &SecretValue,
) -> Result<Uuid> {
    let version = new_version(work, key, rotation, account.endpoint.allowed_hosts.clone());
    key_versions::insert(work.conn, &version).await?;
    sealing::put(work, &version, secret).await?;
    Ok(version.meta.uid)
}

/// The new version of a rotation, leased to nobody yet.
pub(super) fn new_version(
    work: &Work<'_>,
    key: &Key,
    rotation: &Rotation,
    sealed_hosts: Vec<String>,
) -> KeyVersion {
    KeyVersion {
        meta: Meta::created(Uuid::now_v7(), work.rev, Labels::default(), work.now),
        key_uid: key.meta.uid,
        number: rotation.to_number,
        stage: Stage::Pending,
        health: Health::Active,
        recover_time: None,
        promote_time: None,
        revoke_time: None,
        drain_until: None,
        sealed_hosts,
    }
}

fn summary(rotation: &Rotation) -> String {
    let to = rotation.to_number;
    match (rotation.from_number, rotation.step) {
        (_, Step::Creating) => format!("the rotator is asked for version {to}"),
        (_, Step::Pending) => format!("version {to} is stored, to be tested"),
        (None, _) => format!("version {to} is current"),
        (Some(from), Step::Draining) => format!("version {to} is current, version {from} drains"),
        (Some(from), _) => format!("version {to} is current, version {from} is revoked"),
    }
}
