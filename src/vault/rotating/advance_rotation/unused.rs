//! Whatever the row of a rotation says, which no MAC vouches for: what is in use here is not revoked at its provider.

use sqlx::PgConnection;

use super::Turn;
use crate::domain::key::{KeyVersion, Stage};
use crate::domain::rotation::Step;
use crate::domain::rotator::Known;
use crate::store::connection::acquire;
use crate::store::{self, key_versions, rotations, rotators, secrets};
use crate::vault::error::Refusal;
use crate::vault::{Result, Vault};

impl Vault {
    /// What the rotator knows a version by that it is to have revoked. A new version may never have come to be; what was one is revoked
    /// here, without a secret, and what its secret was is known, so that it can be told whether another version has it.
    ///
    /// # Errors
    /// Something of that does not hold, which waits for a person.
    pub(super) async fn known_and_unused(&self, turn: &Turn, number: u32) -> Result<Known> {
        let is_new = turn.rotation.step != Step::Revoking;
        let mut conn = acquire(&self.pool).await?;
        let version = key_versions::find(&mut conn, turn.rotation.key_uid, number).await?;
        let why = match &version {
            Some(version) => why_not(&mut conn, turn, version).await?,
            None if is_new => None,
            None => Some("is not there"),
        };
        drop(conn);
        let known = self.known(turn, number).await?;
        let why = match (why, version) {
            (None, Some(version)) => self.why_not_by_name(&version, &known).await?,
            (why, _) => why,
        };
        let Some(why) = why else { return Ok(known) };
        let resource = turn.name.to_string();
        let message = format!(
            "version {number} {why}, so its provider is not told to forget it: the rotation was changed in the database outside of keylease, or began in an earlier release; if it is to be revoked there, do that yourself, and give the rotation up"
        );
        Err(Refusal::State { resource, message }.into())
    }

    async fn why_not_by_name(
        &self,
        version: &KeyVersion,
        known: &Known,
    ) -> Result<Option<&'static str>> {
        let mut conn = acquire(&self.pool).await?;
        let uid = version.meta.uid;
        if known.reference.is_empty() {
            let was_handed_on = rotators::reference(&mut conn, uid).await?.is_some();
            return Ok(was_handed_on.then_some("has left its secret to another version"));
        }
        let is_in_use = rotators::is_in_use(&mut conn, uid, &known.reference).await?;
        Ok(is_in_use.then_some("has the name of another that is in use"))
    }
}

async fn why_not(
    conn: &mut PgConnection,
    turn: &Turn,
    version: &KeyVersion,
) -> store::Result<Option<&'static str>> {
    let uid = version.meta.uid;
    let is_here = version.stage != Stage::Revoked;
    if is_here || !secrets::of_version(conn, uid).await?.is_empty() {
        return Ok(Some("is not revoked here"));
    }
    let digest = rotations::secret_to_revoke(conn, turn.rotation.uid).await?;
    Ok(digest
        .is_none()
        .then_some("had a secret of which nothing is known any more"))
}
