//! Every replica begins its chains as it boots, looks at the heads of all now and then, and says when one has gone or went back: whoever
//! cuts off the newest would else do it unseen, since no later boot has noted them.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::hashes::End;
use super::writer::{Writer, begin_noting};
use crate::domain::chain::{Chain, Head, SIGHTINGS_MAX, Sighting};
use crate::store::connection::{CHANGE_WITHIN, begin, in_time};
use crate::store::{audit_chains, cluster};
use crate::vault::change::BEGIN;
use crate::vault::{Result, Vault};

/// The heads that were seen last.
#[derive(Debug, Default)]
pub struct AuditWatch(HashMap<(Chain, Uuid), Head>);

impl Vault {
    /// Begins this replica's chain of changes.
    ///
    /// # Errors
    /// The database cannot be reached; the first change begins it then.
    pub async fn begin_audit(self: &Arc<Self>) -> Result<()> {
        let beginning = async {
            let mut conn = begin(&self.pool, BEGIN).await?;
            // As every change does, so that none begins it at once.
            cluster::wrapped_key(&mut conn).await?;
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

    /// Looks at the heads; what is lost since the last look is noted in a new chain, where `keylease audit verify` finds it.
    ///
    /// # Errors
    /// The database cannot be reached; what was seen before is kept.
    pub async fn watch_audit(&self, watch: &mut AuditWatch) -> Result<()> {
        for chain in Chain::ALL {
            in_time(CHANGE_WITHIN, self.look(chain, watch)).await?;
        }
        Ok(())
    }

    async fn look(&self, chain: Chain, watch: &mut AuditWatch) -> Result<()> {
        let key = &self.keys.audit;
        let mut conn = begin(&self.pool, BEGIN).await?;
        let known: Vec<Uuid> = watch.writers(chain);
        let rows_max = i64::try_from(SIGHTINGS_MAX).unwrap_or(i64::MAX);
        let recent = audit_chains::recent(&mut conn, chain, rows_max).await?;
        let among = audit_chains::among(&mut conn, chain, &known).await?;
        let heads = recent.iter().chain(&among).filter_map(|row| {
            let head = End::Head.open(key, chain, row.writer, &row.head)?;
            Some((row.writer, head))
        });
        let heads: HashMap<Uuid, Head> = heads.collect();
        let lost = watch.lost(chain, &heads);
        if !lost.is_empty() {
            tracing::error!(
                audit.chain = chain.as_str(),
                chains = lost.len(),
                audit.writer = %lost[0].writer,
                "the audit was set back, or chains of it were removed: `keylease audit verify` says what is missing"
            );
            let now = cluster::now(&mut conn).await?;
            begin_noting(&mut conn, key, (chain, Uuid::new_v4()), lost, now).await?;
        }
        conn.commit().await?;
        watch.0.retain(|(of, _), _| *of != chain);
        let seen = recent
            .iter()
            .filter_map(|row| heads.get_key_value(&row.writer));
        watch
            .0
            .extend(seen.map(|(writer, head)| ((chain, *writer), *head)));
        Ok(())
    }
}

impl AuditWatch {
    fn writers(&self, chain: Chain) -> Vec<Uuid> {
        let known = self.0.keys().filter(|(of, _)| *of == chain);
        known.map(|(_, writer)| *writer).collect()
    }

    /// What was seen and is not there, or is less or another.
    fn lost(&self, chain: Chain, heads: &HashMap<Uuid, Head>) -> Vec<Sighting> {
        let is_lost = |writer: &Uuid, head: &Head| {
            heads.get(writer).is_none_or(|found| {
                found.sequence < head.sequence || {
                    found.sequence == head.sequence && found.hash != head.hash
                }
            })
        };
        let of_chain = self.0.iter().filter(|((of, _), _)| *of == chain);
        of_chain
            .filter(|((_, writer), head)| is_lost(writer, head))
            .map(|((_, writer), head)| Sighting {
                writer: *writer,
                head: *head,
            })
            .collect()
    }
}
