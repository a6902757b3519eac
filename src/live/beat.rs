//! One transaction of a heartbeat: look what the database is, note it if that is news, say that this replica lives, claim its slot,
//! commit.

use super::Live;
use super::slots::{self, Looked};
use crate::domain::ledger::standing::{Finding, Memory, Replication, Standing};
use crate::domain::time::BootTime;
use crate::store;
use crate::store::heartbeat_rows::HeartbeatRows;
use crate::store::incarnations::NewIncarnation;
use crate::store::replicas::{Enrolment, Pulse};

/// Whose heart beats.
#[derive(Debug, Clone, Copy)]
pub struct Beating<'a> {
    /// Its memory.
    pub live: &'a Live,
    /// How it presents itself.
    pub enrolment: &'a Enrolment,
    /// What the operator says of the database.
    pub replication: Replication,
    /// What was known of the database before.
    pub memory: Memory,
}

/// What a heartbeat read and wrote: it counts once it has been committed.
#[derive(Debug)]
pub struct Beat {
    number: i64,
    /// When the database's clock was asked for.
    pub(super) asked: BootTime,
    pub(super) pulse: Pulse,
    pub(super) standing: Standing,
    pub(super) slots: Option<Looked>,
}

impl Beat {
    /// What is to be remembered of it.
    pub(super) const fn memory(&self) -> Memory {
        Memory {
            beats: self.number,
            incarnation: self.standing.number,
        }
    }
}

impl Beating<'_> {
    /// The transaction that was `sent` then, up to its commit.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn write(
        &self,
        rows: &mut impl HeartbeatRows,
        boot_now: impl Fn() -> BootTime,
        sent: BootTime,
    ) -> store::Result<Beat> {
        let live = self.live;
        let standing = self.look(rows).await?;
        let number = self.memory.beats.max(standing.beats.unwrap_or(0)) + 1;
        let held = live.master_keys.load_full();
        let asked = boot_now();
        let pulse = rows.beat(live.boot_id, self.enrolment, &held, number);
        let pulse = pulse.await?;
        let wants = slots::wants(&live.glance());
        let slots = match wants {
            Some(wants) => {
                let (slots, boot_id) = (&live.slots, live.boot_id);
                let looked = slots.look(rows, boot_id, standing.number, wants, sent);
                Some(looked.await?)
            }
            None => None,
        };
        Ok(Beat {
            number,
            asked,
            pulse,
            standing,
            slots,
        })
    }

    /// What the database is, noted if it is news.
    async fn look(&self, rows: &mut impl HeartbeatRows) -> store::Result<Standing> {
        let (live, memory) = (self.live, self.memory);
        let standing = rows.look(live.boot_id).await?;
        if standing.finding(memory).is_none() {
            return Ok(standing);
        }
        // Of several replicas that see it at once, one notes it.
        rows.lock_incarnations().await?;
        let standing = rows.look(live.boot_id).await?;
        let Some(finding) = standing.finding(memory) else {
            return Ok(standing);
        };
        // Also where the number of the incarnation comes out as it was, as it may after a restore.
        if finding != Finding::First {
            live.life.upset();
        }
        rows.incarnate(&self.note(finding, &standing)).await?;
        rows.look(live.boot_id).await
    }

    fn note<'a>(&self, finding: Finding, standing: &'a Standing) -> NewIncarnation<'a> {
        let (sight, memory) = (&standing.sight, self.memory);
        let lag = standing.loss(finding, memory, self.replication);
        if lag.is_some() {
            tracing::warn!(
                ?finding,
                timeline = sight.timeline,
                "the database may have lost what it had acknowledged, limits are frozen until everything forgotten would have ended"
            );
        }
        NewIncarnation {
            sight,
            number_min: memory.incarnation + 1,
            is_lossy: lag.is_some(),
            lag: lag.unwrap_or_default(),
            live: self.live.replicas(),
        }
    }
}
