//! A secret that comes back while its provider is yet to forget it: nobody is to revoke what will be leased again.

use uuid::Uuid;

use super::revoke_version::hand_reference;
use crate::domain::id::Id;
use crate::domain::rotation::{Event, Rotation};
use crate::store::{key_versions, rotations};
use crate::vault::{Result, Work};

/// The secret of this digest is that of a new version, of whichever key: what was to be revoked of it at the provider is given up, and the
/// new version takes over what the provider calls it. Nobody has been asked for that yet, or storing it would have been refused.
pub(in crate::vault) async fn spare(
    work: &mut Work<'_>,
    new_uid: Uuid,
    fingerprint: &[u8],
) -> Result<()> {
    for leaving in rotations::leaving(work.conn, &[fingerprint.to_vec()]).await? {
        let id = Id::parse("rotation", &leaving.id)?;
        let Some(mut rotation) = rotations::find(work.conn, leaving.key_uid, &id).await? else {
            continue;
        };
        let number = rotation.number_to_revoke();
        if let_go(work, &mut rotation, new_uid).await? {
            let said = format!(
                "version {number} is not revoked at its provider, since its secret came back"
            );
            work.note(leaving.name(), said);
        }
    }
    Ok(())
}

/// Gives up what a rotation has yet to have revoked, which is the secret of this other version now. False where there is nothing.
pub(super) async fn let_go(
    work: &mut Work<'_>,
    rotation: &mut Rotation,
    holder_uid: Uuid,
) -> Result<bool> {
    let (key_uid, number) = (rotation.key_uid, rotation.number_to_revoke());
    if rotation.on(Event::Cancel, work.now).is_err() {
        return Ok(false);
    }
    rotations::update(work.conn, rotation).await?;
    if let Some(old) = key_versions::find(work.conn, key_uid, number).await? {
        hand_reference(work, old.meta.uid, holder_uid).await?;
    }
    Ok(true)
}
