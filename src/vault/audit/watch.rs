//! Every replica begins its chains as it boots, keeps the heads of all that it has seen, and says when one has gone or went back: whoever
//! cuts off the newest would else do it unseen, since no later boot has noted them. What a change left is read together with its head.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::heads::{self, EVER, HEADS_MAX, Heads};
use super::writer::{Writer, begin_noting};
use crate::domain::chain::{Chain, Head, Sighting};
use crate::domain::time::Timestamp;
use crate::store::changes::{self, Changes};
use crate::store::cluster;
use crate::store::connection::{CHANGE_WITHIN, begin, in_time};
use crate::vault::change::BEGIN;
use crate::vault::{Result, Vault};

/// Heads that were written so long before the last reading are read again: longer than a change takes from its head to its commit.
const LOOK_BACK: Duration = Duration::from_mins(2);

/// The heads that were seen, all of them ours.
#[derive(Debug, Default)]
pub(in crate::vault) struct Watch {
    seen: HashMap<(Chain, Uuid), Seen>,
    /// Readings so far: the age of what was seen is counted in them, since no time in a row is proven.
    readings: u64,
    /// When changes were read last, by the database's clock.
    read: Option<Timestamp>,
    /// Of each kind, how many heads nobody had signed.
    forged: HashMap<Chain, usize>,
    /// It was noted that more such heads were there than are read.
    is_flood_noted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    head: Head,
    /// The reading that saw it move.
    moved: u64,
}

impl Vault {
    /// Begins this replica's chain of changes.
    ///
    /// # Errors
    /// The database cannot be reached; the first change begins it then.
    pub async fn begin_audit(self: &Arc<Self>) -> Result<()> {
        let beginning = async {
            let mut conn = begin(&self.pool, BEGIN).await?;
            // As every change does, so that none begins it at once.
            cluster::lock_wrapped_key(&mut conn).await?;
            let (key, now) = (&self.keys.audit, cluster::now(&mut conn).await?);
            let writer = *self.audit.lock();
            let (id, head) = writer.locked(&mut conn, key, Chain::Changes, now).await?;
            conn.commit().await?;
            let head = Some(head);
            let mut remembered = self.audit.lock();
            *remembered = remembered.further(Writer { id, head });
            Ok(())
        };
        in_time(CHANGE_WITHIN, beginning).await
    }

    /// What changed since a revision, and, as of the same moment, the heads of the chains that say so: a change that is taken up cannot lose
    /// its record unseen.
    pub(in crate::vault) async fn read_changes(&self, since: i64) -> Result<Changes> {
        let mut moment = begin(&self.pool, super::verify::BEGIN).await?;
        let changes = changes::read_within(&mut moment, since).await?;
        let read = self.audit_watch.lock().read;
        let from = read.map_or(EVER, |read| read.before(LOOK_BACK));
        for chain in Chain::ALL {
            let heads = heads::read(&mut moment, &self.keys.audit, chain, from).await?;
            self.audit_watch.lock().learn(chain, &heads);
        }
        self.audit_watch.lock().read = Some(changes.now);
        Ok(changes)
    }

    /// Looks at the heads; what is lost since they were seen is noted in a new chain, where `keylease audit verify` finds it.
    ///
    /// # Errors
    /// The database cannot be reached; what was seen before is kept.
    pub async fn watch_audit(&self) -> Result<()> {
        for chain in Chain::ALL {
            in_time(CHANGE_WITHIN, self.look(chain)).await?;
        }
        Ok(())
    }

    async fn look(&self, chain: Chain) -> Result<()> {
        let key = &self.keys.audit;
        // Before anything is read: what is seen meanwhile may be further.
        let known = self.audit_watch.lock().of(chain);
        let mut conn = begin(&self.pool, BEGIN).await?;
        let mut heads = heads::read(&mut conn, key, chain, EVER).await?;
        let there: HashSet<Uuid> = heads.signed().map(|seen| seen.writer).collect();
        let others = known.iter().map(|seen| seen.writer);
        let others: Vec<Uuid> = others.filter(|writer| !there.contains(writer)).collect();
        heads.complete(&mut conn, key, (chain, &others)).await?;
        let mut lost = lost(&known, &heads);
        if let Some(first) = lost.first() {
            tracing::error!(
                audit.chain = chain.as_str(),
                chains = lost.len(),
                audit.writer = %first.writer,
                "the audit was set back, or chains of it were removed: `keylease audit verify` says what is missing"
            );
        }
        let gone = lost.clone();
        lost.extend(self.audit_watch.lock().flooded(chain, &heads));
        let mut begun = None;
        if !lost.is_empty() {
            let now = cluster::now(&mut conn).await?;
            let noting = begin_noting(&mut conn, key, (chain, Uuid::new_v4()), lost, now);
            begun = Some(noting.await?);
        }
        conn.commit().await?;
        let mut watch = self.audit_watch.lock();
        watch.forget(chain, &gone);
        watch.learn(chain, &heads);
        // The note is not lost unseen either.
        if let Some((writer, head)) = begun {
            watch.see(chain, Sighting { writer, head });
        }
        Ok(())
    }
}

/// What was seen and is not there, or is less or another.
fn lost(known: &[Sighting], heads: &Heads) -> Vec<Sighting> {
    let found: HashMap<Uuid, Head> = heads
        .signed()
        .map(|seen| (seen.writer, seen.head))
        .collect();
    let is_lost = |seen: &&Sighting| {
        found.get(&seen.writer).is_none_or(|found| {
            found.sequence < seen.head.sequence
                || (found.sequence == seen.head.sequence && found.hash != seen.head.hash)
        })
    };
    known.iter().filter(is_lost).copied().collect()
}

impl Watch {
    fn of(&self, chain: Chain) -> Vec<Sighting> {
        let of_chain = self.seen.iter().filter(|((of, _), _)| *of == chain);
        let sightings = of_chain.map(|((_, writer), seen)| Sighting {
            writer: *writer,
            head: seen.head,
        });
        sightings.collect()
    }

    /// Takes up what is further than what was seen. Of too many the one goes that has not moved for longest.
    fn learn(&mut self, chain: Chain, heads: &Heads) {
        self.readings += 1;
        heads.signed().for_each(|seen| self.see(chain, seen));
        let of_chain = self.seen.iter().filter(|((of, _), _)| *of == chain);
        let mut ages: Vec<(u64, Uuid)> = of_chain
            .map(|((_, writer), seen)| (seen.moved, *writer))
            .collect();
        let surplus = ages.len().saturating_sub(HEADS_MAX);
        if surplus > 0 {
            ages.sort_unstable();
            for (_, writer) in &ages[..surplus] {
                self.seen.remove(&(chain, *writer));
            }
        }
    }

    fn see(&mut self, chain: Chain, Sighting { writer, head }: Sighting) {
        let moved = self.readings;
        let seen = self.seen.entry((chain, writer));
        let seen = seen.or_insert(Seen { head, moved });
        if seen.head.sequence < head.sequence {
            *seen = Seen { head, moved };
        }
    }

    /// What was noted as lost.
    fn forget(&mut self, chain: Chain, noted: &[Sighting]) {
        for Sighting { writer, head } in noted {
            let seen = self.seen.get(&(chain, *writer));
            if seen.is_some_and(|seen| seen.head == *head) {
                self.seen.remove(&(chain, *writer));
            }
        }
    }

    /// Tells of heads that nobody signed. Where there are more than are read, chains may hide among them: then one of them is to be noted,
    /// once, as missing for whoever verifies after they are gone.
    fn flooded(&mut self, chain: Chain, heads: &Heads) -> Option<Sighting> {
        let count = heads.forged.len();
        let before = self.forged.insert(chain, count).unwrap_or_default();
        if count > before {
            tracing::error!(
                audit.chain = chain.as_str(),
                chains = count,
                "heads of the audit are not what was signed, they were made or changed outside of keylease: `keylease audit verify` names them"
            );
        }
        if !heads.is_cut || self.is_flood_noted {
            return None;
        }
        let first = heads.forged.first().copied();
        self.is_flood_noted = first.is_some();
        first
    }
}
