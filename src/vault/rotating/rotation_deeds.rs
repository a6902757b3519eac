//! What a step of a rotation does to the versions of its key, within the transaction that moves it.

use std::time::Duration;

use crate::domain::key::{Key, KeyVersion, Stage};
use crate::domain::name::{KeyName, VersionName};
use crate::domain::pool::LEASE_DURATION_MAX;
use crate::domain::rotation::{Deed, Event, Rotation, Step};
use crate::store::{key_versions, keys, rotations, secrets};
use crate::vault::error::Refusal;
use crate::vault::guard::found;
use crate::vault::{Result, Work};

/// A replica that cannot reach the database may give leases of what it knows for so long: the longest that it can be told to.
const STALE_MAX: Duration = Duration::from_hours(1);
/// A call may ask for the longest lease whatever its pool says, from a replica that has not heard yet that its version was replaced: that is
/// how long the last one can be out.
pub(super) const LEASE_OUT_MAX: Duration = LEASE_DURATION_MAX.saturating_add(STALE_MAX);

/// A key whose rotation moves.
#[derive(Debug)]
pub(in crate::vault) struct Rotating {
    pub(in crate::vault) name: KeyName,
    pub(in crate::vault) key: Key,
}

/// Lets a rotation take an event, does what follows from it, and writes where it stands.
///
/// # Errors
/// The event does not fit the step that the rotation is at.
pub(in crate::vault) async fn move_on(
    work: &mut Work<'_>,
    rotating: &mut Rotating,
    rotation: &mut Rotation,
    event: Event,
) -> Result<Deed> {
    let deed = rotation.on(event, work.now).map_err(|unfit| {
        let resource = format!("{}/rotations/{}", rotating.name, rotation.id);
        let message = format!("{resource}: {unfit}");
        Refusal::State { resource, message }
    })?;
    match deed {
        // Whoever says that the previous version is drained has revoked it.
        Deed::Wait | Deed::Revoke => {}
        Deed::Promote => promote(work, rotating, rotation).await?,
        Deed::Discard => discard(work, rotating, rotation).await?,
        Deed::Restore => restore(work, rotating, rotation).await?,
    }
    rotations::update(work.conn, rotation).await?;
    Ok(deed)
}

/// The new version takes over; what was current drains.
async fn promote(
    work: &mut Work<'_>,
    rotating: &mut Rotating,
    rotation: &mut Rotation,
) -> Result<()> {
    let current = key_versions::current(work.conn, rotating.key.meta.uid).await?;
    // It may be another one than when the rotation began.
    rotation.from_number = current.as_ref().map(|version| version.number);
    match current {
        Some(current) => drain(work, current, rotation.grace).await?,
        // Nothing drains, so nothing is waited for.
        None => rotation.step = Step::Done,
    }
    let new = version(work, rotating, rotation.to_number).await?;
    make_current(work, new).await?;
    touch(work, rotating).await
}

/// The version is revoked before anybody has leased it.
async fn discard(work: &mut Work<'_>, rotating: &Rotating, rotation: &Rotation) -> Result<()> {
    let uid = rotating.key.meta.uid;
    let new = key_versions::find(work.conn, uid, rotation.to_number).await?;
    let Some(new) = new else { return Ok(()) };
    let fields = secrets::of_version(work.conn, new.meta.uid).await?;
    if let Some(field) = fields.first() {
        rotations::note_secret(work.conn, rotation.uid, &field.fingerprint).await?;
    }
    revoke(work, new).await
}

/// The previous version takes over again; the new one drains like any that was current.
async fn restore(
    work: &mut Work<'_>,
    rotating: &mut Rotating,
    rotation: &mut Rotation,
) -> Result<()> {
    let kept = match rotation.from_number {
        Some(from) => Some(version(work, rotating, from).await?),
        None => None,
    };
    let Some(mut kept) = kept.filter(|version| version.stage == Stage::Previous) else {
        let resource = rotating.name.to_string();
        let message = format!(
            "{resource} has no previous version any more: rotate another secret in with RotateKey"
        );
        return Err(Refusal::State { resource, message }.into());
    };
    let new = version(work, rotating, rotation.to_number).await?;
    // A version that turned out to be bad is kept for its leases alone.
    drain(work, new, Duration::ZERO).await?;
    kept.drain_until = None;
    make_current(work, kept).await?;
    touch(work, rotating).await
}

async fn version(work: &mut Work<'_>, rotating: &Rotating, number: u32) -> Result<KeyVersion> {
    let version = key_versions::find(work.conn, rotating.key.meta.uid, number).await?;
    let name = VersionName {
        key: rotating.name.clone(),
        number,
    };
    found(version, &name)
}

async fn make_current(work: &mut Work<'_>, mut version: KeyVersion) -> Result<()> {
    version.meta.touch(work.rev, work.now);
    version.stage = Stage::Current;
    // Of one that was current before, the interval counts from then: a rotation that was undone has renewed nothing.
    version.promote_time = version.promote_time.or(Some(work.now));
    Ok(key_versions::update(work.conn, &version).await?)
}

/// Takes a version out of new leases.
async fn drain(work: &mut Work<'_>, mut version: KeyVersion, grace: Duration) -> Result<()> {
    version.meta.touch(work.rev, work.now);
    version.stage = Stage::Previous;
    version.drain_until = Some(work.now.after(LEASE_OUT_MAX.max(grace)));
    key_versions::update(work.conn, &version).await?;
    // Replicas may say before that no lease is out.
    let until = work.now.after(grace);
    Ok(key_versions::keep(work.conn, version.meta.uid, until).await?)
}

async fn revoke(work: &mut Work<'_>, mut version: KeyVersion) -> Result<()> {
    version.meta.touch(work.rev, work.now);
    version.stage = Stage::Revoked;
    version.revoke_time = Some(work.now);
    version.drain_until = None;
    secrets::erase(work.conn, version.meta.uid).await?;
    Ok(key_versions::update(work.conn, &version).await?)
}

/// The key's answer names its current version, so the key has changed too.
async fn touch(work: &mut Work<'_>, rotating: &mut Rotating) -> Result<()> {
    rotating.key.meta.touch(work.rev, work.now);
    let mac = work.keys.mac.of_row(&rotating.key);
    Ok(keys::update(work.conn, &rotating.key, &mac).await?)
}
