//! What a start inherits from the releases before it: taken over once, within the transaction that opens the vault, and on record.

use sqlx::PgConnection;
use uuid::Uuid;

use super::OpenError;
use crate::crypto::Fingerprint;
use crate::domain::chain::Chain;
use crate::domain::time::Timestamp;
use crate::store::audit_records::{self, chained};
use crate::store::{audit_chains, audit_standing, cluster};
use crate::vault::audit::writer::Writer;
use crate::vault::audit::{changes, standing};
use crate::vault::master_keys::promoted::{self, Promoted};
use crate::vault::master_keys::{announced, resource_of};
use crate::vault::{Change, VaultKeys};

/// Where the cluster key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was made just now.
    Made,
    /// It was there, wrapped with this master key.
    Wrapped(Fingerprint),
}

impl VaultKeys {
    /// Takes over what is there.
    pub(super) async fn inherit(
        &self,
        conn: &mut PgConnection,
        origin: Origin,
    ) -> Result<(), OpenError> {
        let is_known = promoted::is_numbered(conn).await?;
        let promotion = self.inherit_promotion(conn, origin).await?;
        let now = cluster::now(conn).await?;
        let writer = self.inherit_audit(conn, is_known, now).await?;
        let change = Change::by_system("AddMasterKey", "a replica was given it");
        let stamp = (cluster::rev(conn).await?, now);
        let mut records = changes::records(&change, announced(conn).await?, stamp);
        if let Some(note) = promotion {
            let why = "a vault begins, or is taken over from an earlier release";
            let change = Change::by_system("PromoteMasterKey", why);
            records.extend(changes::records(&change, vec![note], stamp));
        }
        if !records.is_empty() {
            changes::append(conn, &self.audit, writer, records, now).await?;
        }
        Ok(())
    }

    /// Begins to count chains, and puts records into a first one that are there from a release without any. Only once: where a promotion
    /// has a number a release like this one was here, and what is missing was removed. Gives the writer of what goes on record.
    async fn inherit_audit(
        &self,
        conn: &mut PgConnection,
        is_known: bool,
        now: Timestamp,
    ) -> Result<Writer, OpenError> {
        // No boot has a chain yet that it could go into.
        let writer = Writer::new(Uuid::new_v4());
        if audit_standing::find(conn).await?.is_some() {
            return Ok(writer);
        }
        if is_known {
            tracing::error!(
                "what was known of the audit's chains as a whole was removed, `keylease audit verify` says so from now on"
            );
            return Ok(writer);
        }
        standing::begin(conn, &self.audit, now).await?;
        let is_chained = audit_chains::count(conn, Chain::Changes).await? > 0
            || !chained::headless(conn, 1).await?.is_empty();
        if is_chained || audit_records::unchained(conn, 1).await?.is_empty() {
            return Ok(writer);
        }
        let (writer, adopted) = changes::adopt(conn, &self.audit, writer, now).await?;
        tracing::warn!(
            records = adopted.rows,
            "records of a release without chains are taken over as they are, nothing vouches for what they were before"
        );
        standing::adopted(conn, &self.audit, adopted).await?;
        Ok(writer)
    }

    /// The promoted master key is held, and numbered. Gives what is to go on record.
    async fn inherit_promotion(
        &self,
        conn: &mut PgConnection,
        origin: Origin,
    ) -> Result<Option<(String, String)>, OpenError> {
        let (fingerprint, summary) = match promoted::read(conn, self).await? {
            Promoted::Key(fingerprint) => {
                self.ring().find(&fingerprint)?;
                if promoted::is_numbered(conn).await? {
                    return Ok(None);
                }
                (fingerprint, "was promoted by an earlier release")
            }
            Promoted::None if origin != Origin::Made && promoted::was_any(conn).await? => {
                say_tampered();
                return Ok(None);
            }
            Promoted::None => match self.first_promoted(origin) {
                Some(fingerprint) => (fingerprint, "is the first that is promoted"),
                None => {
                    say_tampered();
                    return Ok(None);
                }
            },
            Promoted::Tampered => {
                say_tampered();
                return Ok(None);
            }
        };
        promoted::write(conn, self, fingerprint).await?;
        Ok(Some((
            resource_of(&fingerprint.to_string()),
            summary.to_owned(),
        )))
    }

    /// Which master key is promoted where none ever was. Earlier releases sealed by the first of the ring. In a vault that was there before, it is
    /// taken only if it wraps the cluster key too: whoever emptied the column to have another one, such as one that leaked, would have to
    /// wrap the cluster key with it, and so have that key.
    fn first_promoted(&self, origin: Origin) -> Option<Fingerprint> {
        let first = self.ring().first().fingerprint();
        (origin == Origin::Made || origin == Origin::Wrapped(first)).then_some(first)
    }
}

/// Leases go on: only what seals is refused, and a person promotes one again.
fn say_tampered() {
    tracing::error!(
        "which master key is promoted was changed outside of keylease, nothing is sealed until one is promoted again"
    );
}
