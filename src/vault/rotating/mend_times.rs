//! Once the database's clock has been put right that was ahead, what happened meanwhile is still to come by it: those keys would be due
//! never, and previous versions kept for as long. All of it is taken to have happened now.

use std::sync::Arc;
use std::time::Duration;

use super::rotation_deeds::LEASE_OUT_MAX;
use crate::live::steady::BACK_BELIEVED;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::rotations;
use crate::vault::error::Refusal;
use crate::vault::{Change, Done, Error, Result, Vault, Verb, Work};

/// What a clock may be ahead of another without having been set.
const AHEAD_MIN: Duration = Duration::from_mins(5);

struct MendTimes;

impl Vault {
    /// Whether the database's clock is behind what is stored: whoever begins to look at it then cannot know which of them is wrong.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn is_clock_behind(&self) -> Result<bool> {
        let looking = async {
            let mut conn = acquire(&self.pool).await?;
            rotations::is_clock_behind(&mut conn, AHEAD_MIN).await
        };
        Ok(in_time(ANSWER_WITHIN, looking).await?)
    }

    /// Whether the database's clock may be ahead of all that is stored: whoever begins to look at it then cannot know whether it is, or
    /// whether nobody was there for a while.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn is_clock_ahead(&self) -> Result<bool> {
        let looking = async {
            let mut conn = acquire(&self.pool).await?;
            rotations::is_clock_ahead(&mut conn, self.live.boot_id, AHEAD_MIN, BACK_BELIEVED).await
        };
        Ok(in_time(ANSWER_WITHIN, looking).await?)
    }

    /// Takes what is still to come by the database's clock, and has happened, to have happened now. Only where that clock is steady: while
    /// it is behind, everything is still to come.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn mend_times(self: &Arc<Self>) -> Result<()> {
        let looking = async {
            let mut conn = acquire(&self.pool).await?;
            rotations::is_any_beyond(&mut conn, AHEAD_MIN).await
        };
        if !in_time(ANSWER_WITHIN, looking).await? {
            return Ok(());
        }
        let change = Change::by_system("MendTimes", "the database's clock was ahead");
        match self.change(change, MendTimes).await {
            Err(Error::Refused(Refusal::NotFound { .. })) => Ok(()),
            mended => mended,
        }
    }
}

impl Verb for MendTimes {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let (beyond, when) = (work.now.after(AHEAD_MIN), (work.rev, work.now));
        let current = rotations::promote_now(work.conn, beyond, when).await?;
        let draining = rotations::drain_now(work.conn, beyond, LEASE_OUT_MAX, when).await?;
        let rotations = rotations::step_now(work.conn, beyond, work.now).await?;
        if current + draining + rotations == 0 {
            // Another replica was faster.
            let resource = "a time of the future".to_owned();
            return Err(Refusal::NotFound { resource }.into());
        }
        tracing::warn!(
            current,
            draining,
            rotations,
            "the database's clock was ahead and has been put right, what happened meanwhile counts from now"
        );
        Ok(Done {
            answer: (),
            resource: "keys".to_owned(),
            summary: format!(
                "from now on count the intervals of {current} keys, the graces of {draining} versions and the steps of {rotations} rotations"
            ),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
