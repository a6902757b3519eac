//! A writer's place in its chain: found in the database, set against what this replica remembers of it.

use sqlx::PgConnection;
use uuid::Uuid;

use super::hashes::{self, End};
use super::{heads, standing};
use crate::crypto::MacKey;
use crate::domain::chain::{self, Chain, Head, Sighting};
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::audit_chains::{self, ChainRow, EndRow};

/// A writer, and the head of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::vault) struct Writer {
    /// The boot, or another id where its chain was tampered with.
    pub(super) id: Uuid,
    /// None before its first row.
    pub(super) head: Option<Head>,
}

impl Writer {
    /// Of a boot that has written nothing.
    pub(in crate::vault) const fn new(boot_id: Uuid) -> Self {
        Self {
            id: boot_id,
            head: None,
        }
    }

    /// What is remembered after this was committed: of two, the one that is further.
    pub(in crate::vault) fn further(self, other: Self) -> Self {
        let is_older = self.id == other.id
            && self.head.map(|head| head.sequence) > other.head.map(|head| head.sequence);
        if is_older { self } else { other }
    }

    /// The writer and its head to write behind, holding the row of its chain; the chain is begun, or begun anew where the database's is
    /// not the one that is remembered. Rows that somebody cut off are then told by the head that the new chain notes.
    pub(super) async fn locked(
        self,
        conn: &mut PgConnection,
        key: &MacKey,
        chain: Chain,
        now: Timestamp,
    ) -> Result<(Uuid, Head)> {
        let row = audit_chains::lock(conn, chain, self.id).await?;
        let found = row.and_then(|row| End::Head.open(key, chain, self.id, &row.head));
        match (found, self.head) {
            (Some(found), None) => return Ok((self.id, found)),
            (Some(found), Some(head)) if found.sequence > head.sequence || found == head => {
                return Ok((self.id, found));
            }
            (None, None) => {
                return begin_noting(conn, key, (chain, self.id), Vec::new(), now).await;
            }
            (Some(_) | None, Some(_)) => {}
        }
        let lost = self.head.map(|head| Sighting {
            writer: self.id,
            head,
        });
        let lost: Vec<Sighting> = lost.into_iter().collect();
        tracing::error!(
            audit.chain = chain.as_str(),
            audit.writer = %self.id,
            "the audit was set back while this replica runs, it goes on in a new chain: `keylease audit verify` says what is missing"
        );
        begin_noting(conn, key, (chain, Uuid::new_v4()), lost, now).await
    }
}

/// Begins a chain, which notes the heads that it finds, and what was there and is not found.
pub(super) async fn begin_noting(
    conn: &mut PgConnection,
    key: &MacKey,
    (chain, writer): (Chain, Uuid),
    lost: Vec<Sighting>,
    now: Timestamp,
) -> Result<(Uuid, Head)> {
    standing::count(conn, key, chain).await?;
    let seen = heads::read(conn, key, chain, heads::EVER).await?.newest();
    let sightings: Vec<Sighting> = lost.into_iter().chain(seen).collect();
    let none = EndRow {
        sequence: 0,
        hash: Vec::new(),
        mac: Vec::new(),
    };
    let mut row = ChainRow {
        chain,
        writer,
        create_time: now,
        witnessed: chain::encode(&sightings),
        birth_mac: Vec::new(),
        anchor: none.clone(),
        head: none,
    };
    let hash = hashes::birth(key, &row);
    let head = Head { sequence: 0, hash };
    row.birth_mac = hash.to_vec();
    row.anchor = End::Anchor.sign(key, chain, writer, head);
    row.head = End::Head.sign(key, chain, writer, head);
    audit_chains::insert(conn, &row).await?;
    Ok((writer, head))
}
