//! A secret that comes back while its provider is yet to forget it: nobody is to revoke what will be leased again.

use uuid::Uuid;

use super::revoke_version::hand_reference;
use super::rotation_deeds::Rotating;
use crate::domain::rotation::Event;
use crate::store::{key_versions, rotations};
use crate::vault::{Result, Work};

/// The secret of this digest is that of a new version of its key: what was to be revoked of it at the provider is given up, and the new version
/// takes over what the provider calls it.
pub(in crate::vault) async fn spare(
    work: &mut Work<'_>,
    rotating: &Rotating,
    new_uid: Uuid,
    fingerprint: &[u8],
) -> Result<()> {
    let key_uid = rotating.key.meta.uid;
    for mut rotation in rotations::unrevoked(work.conn, key_uid, Some(fingerprint)).await? {
        let number = rotation.number_to_revoke();
        if rotation.on(Event::Cancel, work.now).is_err() {
            continue;
        }
        rotations::update(work.conn, &rotation).await?;
        if let Some(old) = key_versions::find(work.conn, key_uid, number).await? {
            hand_reference(work, old.meta.uid, new_uid).await?;
        }
        work.note(
            format!("{}/rotations/{}", rotating.name, rotation.id),
            format!("version {number} is not revoked at its provider, since its secret came back"),
        );
    }
    Ok(())
}
