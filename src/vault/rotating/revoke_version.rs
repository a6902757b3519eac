//! The end of a previous version, whoever wants it: it is revoked, its secret erased, and the rotations that wait for its leases go on.

use uuid::Uuid;

use crate::domain::rotation::Event;
use crate::domain::rotator::Reference;
use crate::store::{key_versions, rotations, rotators, secrets};
use crate::vault::{Result, Work};

/// A previous version that is to be revoked.
#[derive(Debug, Clone, Copy)]
pub(in crate::vault) struct Previous {
    pub(in crate::vault) uid: Uuid,
    pub(in crate::vault) key_uid: Uuid,
    pub(in crate::vault) account_uid: Uuid,
    pub(in crate::vault) number: i32,
}

/// Revokes it. Whoever made it, the rotator is told: it may know it by the key. Not while another version needs the same secret there:
/// answers that version's number.
pub(in crate::vault) async fn revoke_version(
    work: &mut Work<'_>,
    previous: Previous,
) -> Result<Option<i32>> {
    let Previous {
        uid,
        key_uid,
        account_uid,
        number,
    } = previous;
    key_versions::revoke(work.conn, uid, work.rev, work.now).await?;
    let twin = hand_on(work, uid).await?;
    let has_rotator = rotators::find(work.conn, account_uid).await?.is_some();
    let at_provider = has_rotator && twin.is_none();
    let fields = secrets::of_version(work.conn, uid).await?;
    secrets::erase(work.conn, uid).await?;
    for mut rotation in rotations::of_drained(work.conn, key_uid, number).await? {
        let drained = Event::Drained { at_provider };
        // One that was undone has nothing more to do where no rotator is.
        if rotation.on(drained, work.now).is_ok() {
            if let Some(field) = fields.first() {
                rotations::note_secret(work.conn, rotation.uid, &field.fingerprint).await?;
            }
            rotations::update(work.conn, &rotation).await?;
        }
    }
    Ok(twin)
}

/// Of a version that is revoked, for the audit.
pub(in crate::vault) fn summary(twin: Option<i32>) -> String {
    twin.map_or_else(
        || "revoked, its secret is erased".to_owned(),
        |twin| {
            format!("revoked, its secret stays as that of version {twin}, here and at its provider")
        },
    )
}

/// A secret that came back is another version's too, which takes over what its provider calls it. Answers that version's number.
async fn hand_on(work: &mut Work<'_>, uid: Uuid) -> Result<Option<i32>> {
    let Some((twin, number)) = secrets::twin(work.conn, uid).await? else {
        return Ok(None);
    };
    hand_reference(work, uid, twin).await?;
    Ok(Some(number))
}

/// What the provider calls the secret of one version is from now on what it calls that of another, and no more of the first, unless it has a name of its own there. It is a word
/// of the rotator of one account: that of another may call something else so.
pub(super) async fn hand_reference(work: &mut Work<'_>, from: Uuid, to: Uuid) -> Result<()> {
    let known = rotators::reference(work.conn, from).await?;
    let known = known.filter(|known| work.keys.mac.verifies_row(&known.resource, &known.mac));
    if let Some(known) = known
        && !known.resource.reference.is_empty()
        && key_versions::share_account(work.conn, [from, to]).await?
        && rotators::reference(work.conn, to).await?.is_none()
    {
        let named = |version_uid, reference| Reference {
            version_uid,
            reference,
        };
        let nothing = work.keys.mac.of_row(&named(from, String::new()));
        let reference = named(to, known.resource.reference);
        let mac = work.keys.mac.of_row(&reference);
        rotators::hand_on(work.conn, (from, &nothing), &reference, &mac).await?;
    }
    Ok(())
}
