//! A new version is dead while its previous one is kept: if that one still works, the rotation is undone.

use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Turn};
use crate::domain::health::Health;
use crate::domain::key::Stage;
use crate::domain::probe::ProbeResult;
use crate::domain::rotation::Event;
use crate::store::connection::acquire;
use crate::store::rotations;
use crate::vault::probe::is_askable;
use crate::vault::rotating::rollback_key;
use crate::vault::{Result, Vault};

/// How soon the previous version is asked about again, where it could not be or is no better.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

impl Vault {
    /// Looks at both versions of a rotation whose new one died. `None` where nothing is to be undone.
    pub(super) async fn look_at_previous(self: &Arc<Self>, turn: Turn) -> Result<Option<Outcome>> {
        if !self.has_fallen(&turn).await? {
            self.look_again(turn, None, "").await?;
            return Ok(None);
        }
        let why = match self.still_works(&turn).await? {
            Ok(()) => {
                let event = Event::RollBack { is_automatic: true };
                let summary = rollback_key::summary(&turn.rotation);
                tracing::warn!(key = %turn.name, version = turn.rotation.to_number, "a new version died and its previous one works, the rotation is rolled back");
                return Ok(Some(Outcome {
                    turn,
                    event,
                    summary,
                }));
            }
            Err(why) => why,
        };
        self.look_again_later(turn, &why).await?;
        Ok(None)
    }

    /// Looks again where nothing could be found out, or nothing was to be done yet.
    pub(super) async fn look_again_later(&self, turn: Turn, why: &str) -> Result<()> {
        let at = self.live.now().database.after(AGAIN_AFTER);
        self.look_again(turn, Some(at), why).await
    }

    /// The new version is current and dead, as more than one caller says, and the previous one is kept and is not.
    async fn has_fallen(&self, turn: &Turn) -> Result<bool> {
        let new = self.version_of(turn, turn.rotation.to_number).await?;
        let is_dead = new.is_some_and(|(_, version)| {
            let is_sure = version
                .health
                .cause()
                .is_some_and(|cause| cause.accuser.is_none());
            version.stage == Stage::Current && matches!(version.health, Health::Dead(_)) && is_sure
        });
        Ok(is_dead)
    }

    /// Why the previous version is no better, if it is not.
    async fn still_works(&self, turn: &Turn) -> Result<std::result::Result<(), String>> {
        let number = turn.rotation.from_number.unwrap_or_default();
        let Some((account, previous)) = self.version_of(turn, number).await? else {
            return Ok(Err("the previous version is gone".to_owned()));
        };
        let now = self.live.now().database;
        if previous.stage != Stage::Previous || previous.health.is_surely_dead(now) {
            return Ok(Err("the previous version is no better".to_owned()));
        }
        // Where nobody can be asked, that it is not known to be dead counts.
        if !is_askable(&account) {
            return Ok(Ok(()));
        }
        Ok(match self.ask_about(&account, &previous).await? {
            // Requests may be limited whatever key they come with.
            Ok(probed) if probed.is_proof => Ok(()),
            Ok(probed) => Err(match probed.result {
                ProbeResult::Rejected => {
                    format!("the previous version is no better: {}", probed.why)
                }
                ProbeResult::Well | ProbeResult::Spent | ProbeResult::Unclear => format!(
                    "whether the previous version is better is not known: {}",
                    probed.why
                ),
            }),
            Err(unasked) => Err(unasked.why),
        })
    }

    async fn look_again(
        &self,
        mut turn: Turn,
        at: Option<crate::domain::time::Timestamp>,
        why: &str,
    ) -> Result<()> {
        turn.rotation.next_attempt = at;
        why.clone_into(&mut turn.rotation.why);
        let mut conn = acquire(&self.pool).await?;
        rotations::note_attempt(&mut conn, &turn.rotation).await?;
        Ok(())
    }
}
