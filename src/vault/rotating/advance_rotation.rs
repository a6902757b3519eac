//! The steps of rotations that nobody has to ask for: what a background loop takes, and RotateKey itself, so that its answer shows a
//! version that is current wherever its provider answers at once. A step may be taken again after any crash: it changes something only if
//! it is still the turn of whoever took it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::rotation_deeds::{Rotating, move_on};
use crate::domain::id::Id;
use crate::domain::name::{KeyName, RotationName};
use crate::domain::rotation::{Event, Rotation, Step};
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::rotations::{self, Claimed};
use crate::vault::error::{Error, Refusal};
use crate::vault::{Change, Done, Result, Vault, Verb, Work, get_key};

mod asking;
mod falling_back;
mod in_vain;
mod revoked_late;
mod revoking;
mod same_parts;
mod steps;
mod testing;
mod unused;

pub use steps::Steps;

/// How long a call waits for the first test of its own rotation.
const PROMPT: Duration = Duration::from_secs(8);
/// How soon a step is due again whose rotator was asked as often as may be: who comes first then gets what has come free.
const FULL_FOR: Duration = Duration::from_secs(10);
/// How often it looks where another replica was faster.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The next step of a rotation, as the replica that took it found it.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    name: KeyName,
    rotation: Rotation,
}

impl Turn {
    /// Locks the rotation while it is still this turn, and reads the key; answers them with the rotation's name.
    async fn hold(self, work: &mut Work<'_>) -> Result<(Rotating, Rotation, String)> {
        let Self { name, rotation } = self;
        let resource = RotationName {
            key: name.clone(),
            rotation: rotation.id.clone(),
        };
        let resource = resource.to_string();
        let held = rotations::lock(work.conn, rotation.uid, rotation.epoch).await?;
        let Some(rotation) = held else {
            return Err(Refusal::NotFound { resource }.into());
        };
        let key = get_key::to_change(work, &name).await?;
        Ok((Rotating { name, key }, rotation, resource))
    }
}

/// What a step came to.
#[derive(Debug)]
pub(super) struct Outcome {
    turn: Turn,
    event: Event,
    /// For the audit.
    summary: String,
}

impl Vault {
    /// Waits a little for the first test of a rotation, and makes it unless another replica does.
    pub async fn await_promotion(self: &Arc<Self>, uid: Uuid) {
        let until = Instant::now() + PROMPT;
        while Instant::now() < until {
            let stepped = async {
                if let Some(claimed) = self.claim_rotation(Some(uid), &[]).await? {
                    self.take_step(claimed).await?;
                }
                let mut conn = acquire(&self.pool).await?;
                Ok::<_, Error>(rotations::is_due(&mut conn, uid).await?)
            };
            match stepped.await {
                Ok(true) => sleep(LOOK_EVERY).await,
                // Whoever took the step, here or elsewhere: what is answered, this replica knows.
                Ok(false) => return self.committed(Some(i64::MAX)).await,
                Err(error) => {
                    tracing::warn!(%error, "a rotation waits for its next step");
                    return;
                }
            }
        }
    }

    async fn claim_rotation(&self, only: Option<Uuid>, full: &[String]) -> Result<Option<Claimed>> {
        let claiming = async {
            let mut conn = acquire(&self.pool).await?;
            rotations::claim(&mut conn, only, full).await
        };
        Ok(in_time(ANSWER_WITHIN, claiming).await?)
    }

    async fn take_step(self: &Arc<Self>, claimed: Claimed) -> Result<()> {
        let Some(turn) = self.turn(&claimed).await? else {
            return Ok(());
        };
        let taken = turn.clone();
        let stepped = match turn.rotation.step {
            Step::Pending | Step::Testing => self.test_new_version(turn).await,
            Step::Draining => self.look_at_previous(turn).await,
            Step::Creating => self.have_one_made(turn).await,
            Step::Revoking | Step::Cancelled | Step::RolledBack => self.have_it_revoked(turn).await,
            Step::Done => Ok(None),
        };
        match stepped {
            Ok(Some(outcome)) => self.settle_step(outcome).await,
            Ok(None) => Ok(()),
            Err(Error::Refused(Refusal::State { message, .. })) => {
                self.wait_for_a_person(taken, message).await
            }
            Err(Error::Refused(Refusal::MinuteFull { .. })) => self.put_off(taken).await,
            Err(error) => Err(error),
        }
    }

    /// Others have asked the rotator for as much as may be asked of it at once: that is no try.
    async fn put_off(&self, turn: Turn) -> Result<()> {
        let mut rotation = turn.rotation;
        rotation.next_attempt = Some(self.live.now().database.after(FULL_FOR));
        self.note_quietly(&rotation).await
    }

    /// A row that the step needs is not what was written: it is no use to try again before somebody has looked.
    async fn wait_for_a_person(self: &Arc<Self>, turn: Turn, why: String) -> Result<()> {
        if turn.rotation.step == Step::Draining {
            return self.look_again_later(turn, &why).await;
        }
        tracing::error!(key = %turn.name, rotation = %turn.rotation.id, why, "a step of a rotation cannot be taken");
        let summary = format!("waits for a person: {why}");
        let event = Event::Stuck(why);
        self.settle_step(Outcome {
            turn,
            event,
            summary,
        })
        .await
    }

    async fn turn(&self, claimed: &Claimed) -> Result<Option<Turn>> {
        let mut conn = acquire(&self.pool).await?;
        let rotation = rotations::lock(&mut conn, claimed.uid, claimed.epoch).await?;
        let name = KeyName {
            account: Id::parse("account", &claimed.account_id)?,
            key: Id::parse("key", &claimed.key_id)?,
        };
        Ok(rotation.map(|rotation| Turn { name, rotation }))
    }

    /// Writes what a step came to: as a change where versions move or a person has to know, quietly where it is only tried again.
    async fn settle_step(self: &Arc<Self>, outcome: Outcome) -> Result<()> {
        let mut ahead = outcome.turn.rotation.clone();
        let now = self.live.now().database;
        let is_quiet = ahead.on(outcome.event.clone(), now).is_ok()
            && ahead.step != Step::Draining
            && !ahead.is_held
            && ahead.step == outcome.turn.rotation.step
            && ahead.next_attempt.is_some();
        if is_quiet {
            return self.note_quietly(&ahead).await;
        }
        let change = Change::by_system("AdvanceRotation", "the next step of a rotation");
        match self.change(change, outcome).await {
            // A person, or another replica, was faster; or the key is gone.
            Ok(()) | Err(Error::Refused(Refusal::NotFound { .. })) => Ok(()),
            // The key's own row is not what was written either, and no change is made to it: this is only noted where people look.
            Err(Error::Refused(Refusal::State { .. })) if ahead.is_held => {
                self.note_quietly(&ahead).await
            }
            Err(error) => Err(error),
        }
    }

    async fn note_quietly(&self, ahead: &Rotation) -> Result<()> {
        let noting = async {
            let mut conn = acquire(&self.pool).await?;
            rotations::note_attempt(&mut conn, ahead).await
        };
        in_time(ANSWER_WITHIN, noting).await?;
        Ok(())
    }
}

impl Verb for Outcome {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let (mut rotating, mut rotation, resource) = self.turn.hold(work).await?;
        move_on(work, &mut rotating, &mut rotation, self.event).await?;
        Ok(Done {
            answer: (),
            resource,
            summary: self.summary,
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
