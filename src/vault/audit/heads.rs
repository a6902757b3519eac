//! The heads of the audit's chains as they stand, told apart by whether they are ours: what nobody signed takes no other's place.

use sqlx::PgConnection;
use uuid::Uuid;

use super::hashes::End;
use crate::crypto::MacKey;
use crate::domain::chain::{Chain, Head, SIGHTINGS_MAX, Sighting};
use crate::domain::time::Timestamp;
use crate::store::Result;
use crate::store::audit_chains::{self, HeadRow};

/// The most heads of a kind that are read at once, and remembered: a boot makes one, so that they are the restarts of years.
pub(super) const HEADS_MAX: usize = 16_384;
/// Before anything was written.
pub(super) const EVER: Timestamp = Timestamp::from_micros(0);

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// The latest first, each with the time at which its chain began: as far as the rows say so.
    signed: Vec<(Sighting, Timestamp)>,
    /// Those that are not what was signed.
    pub(super) forged: Vec<Sighting>,
    /// Whether there may be more.
    pub(super) is_cut: bool,
}

/// The heads that were written to since.
pub(super) async fn read(
    conn: &mut PgConnection,
    key: &MacKey,
    chain: Chain,
    since: Timestamp,
) -> Result<Heads> {
    let rows_max = i64::try_from(HEADS_MAX).unwrap_or(i64::MAX);
    let rows = audit_chains::heads_since(conn, chain, since, rows_max).await?;
    let mut heads = Heads {
        is_cut: rows.len() >= HEADS_MAX,
        ..Heads::default()
    };
    heads.add(key, chain, rows);
    Ok(heads)
}

impl Heads {
    /// Those of these writers too, as far as they were not read.
    pub(super) async fn complete(
        &mut self,
        conn: &mut PgConnection,
        key: &MacKey,
        (chain, writers): (Chain, &[Uuid]),
    ) -> Result<()> {
        let rows = audit_chains::heads_among(conn, chain, writers).await?;
        self.add(key, chain, rows);
        Ok(())
    }

    fn add(&mut self, key: &MacKey, chain: Chain, rows: Vec<HeadRow>) {
        for row in rows {
            let writer = row.writer;
            match End::Head.open(key, chain, writer, &row.head) {
                Some(head) => self
                    .signed
                    .push((Sighting { writer, head }, row.create_time)),
                None => self.forged.push(Sighting {
                    writer,
                    head: Head {
                        sequence: row.head.sequence,
                        hash: [0; 32],
                    },
                }),
            }
        }
    }

    /// Those that are what was signed.
    pub(super) fn signed(&self) -> impl Iterator<Item = Sighting> {
        self.signed.iter().map(|(sighting, _)| *sighting)
    }

    /// What a chain notes of the others as it begins: those that were written to last, and those that began last, which may be of boots that
    /// wrote nothing more. What has no row yet cannot lose any.
    pub(super) fn newest(mut self) -> Vec<Sighting> {
        self.signed.retain(|(seen, _)| seen.head.sequence > 0);
        let rest = self.signed.len().min(SIGHTINGS_MAX / 2);
        self.signed[rest..].sort_by_key(|(_, began)| std::cmp::Reverse(*began));
        self.signed.truncate(SIGHTINGS_MAX);
        self.signed().collect()
    }
}
