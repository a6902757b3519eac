//! Having a provider forget a secret that is needed no more, whoever would have it again: that is looked at, and noted that the rotator is
//! asked, in one transaction. From then on nobody can store it until the answer is known to be a no.

use std::sync::Arc;
use std::time::Duration;

use super::asking::{failed, said, unanswered};
use super::revoked_late::Late;
use super::{Outcome, Turn};
use crate::domain::rotation::Event;
use crate::domain::rotator::{Wanted, is_left_alone};
use crate::outbound::{Answer, OutboundError};
use crate::store;
use crate::store::connection::{acquire, begin, in_time};
use crate::store::rotations::{self, Asked};
use crate::store::secrets::{self, Holder};
use crate::vault::change::BEGIN;
use crate::vault::error::{Error, Refusal};
use crate::vault::rotating::come_back;
use crate::vault::{Change, Done, Result, Vault, Verb, Work};

/// How long noting may take that a rotator is asked: with the request itself, which is bounded too, less than a turn lasts.
const NOTED_WITHIN: Duration = Duration::from_secs(5);

/// What is found before a rotator is asked.
enum Before {
    /// It is noted that it is asked.
    Asked(Asked),
    /// A version that is not revoked has the secret.
    CameBack,
    /// Somebody else has the step.
    Lost,
}

/// Gives up a revocation whose secret another version has.
struct Spare {
    turn: Turn,
}

impl Vault {
    /// Asks the rotator to have the provider forget the version that is needed no more: the previous one, or the new one where the
    /// rotation came to nothing.
    pub(super) async fn have_it_revoked(self: &Arc<Self>, turn: Turn) -> Result<Option<Outcome>> {
        let number = turn.rotation.number_to_revoke();
        let known = self.known_and_unused(&turn, number).await?;
        let request = match self.request_of(&turn, Wanted::Revoke(known)).await? {
            Ok(request) => request,
            Err(why) => return Ok(Some(failed(turn, why))),
        };
        let asked = match self.look_and_note(&turn).await? {
            Before::Asked(asked) => asked,
            Before::CameBack => {
                self.spare(turn).await?;
                return Ok(None);
            }
            Before::Lost => return Ok(None),
        };
        let answer = self.sent(&turn, request).await;
        let is_unclear = asked.is_unclear || !is_undone(&answer);
        let outcome = match answer.map_err(unanswered).and_then(|a| said(a, true)) {
            Ok(answer) if is_left_alone(&answer.body) => left_to_a_person(turn.clone(), number),
            Ok(_) => {
                self.is_revoked(turn, asked.fingerprint).await?;
                return Ok(None);
            }
            Err(why) => failed(turn.clone(), why),
        };
        let turn_of = (turn.rotation.uid, turn.rotation.epoch);
        let mut conn = acquire(&self.pool).await?;
        rotations::answered(&mut conn, turn_of, is_unclear).await?;
        Ok(Some(outcome))
    }

    /// Looks whether anybody has the secret, and notes that the rotator is asked where nobody has. Whoever stores it at the same time holds
    /// the rotation's row, or waits for it.
    async fn look_and_note(&self, turn: &Turn) -> Result<Before> {
        let (pool, uid, epoch) = (self.pool.clone(), turn.rotation.uid, turn.rotation.epoch);
        let looking = async move {
            let mut transaction = begin(&pool, BEGIN).await?;
            if rotations::lock(&mut transaction, uid, epoch)
                .await?
                .is_none()
            {
                return Ok(Before::Lost);
            }
            let asked = rotations::ask(&mut transaction, uid).await?;
            if holder(&mut transaction, asked.fingerprint.as_deref())
                .await?
                .is_some()
            {
                return Ok(Before::CameBack);
            }
            transaction.commit().await?;
            Ok(Before::Asked(asked))
        };
        // In a task of its own: a commit is never cancelled.
        let task = tokio::spawn(in_time(NOTED_WITHIN, looking));
        let looked: store::Result<Before> = task.await.map_err(|_| store::Error::unanswered())?;
        Ok(looked?)
    }

    /// The provider knows it no more.
    async fn is_revoked(self: &Arc<Self>, turn: Turn, fingerprint: Option<Vec<u8>>) -> Result<()> {
        let number = turn.rotation.number_to_revoke();
        let outcome = Outcome {
            turn: turn.clone(),
            event: Event::Revoked,
            summary: format!("version {number} is revoked at its provider"),
        };
        let change = Change::by_system("AdvanceRotation", "the next step of a rotation");
        match self.change(change, outcome).await {
            Err(Error::Refused(Refusal::NotFound { .. })) => {
                self.note_late(Late { turn, fingerprint }).await
            }
            settled => settled,
        }
    }

    async fn spare(self: &Arc<Self>, turn: Turn) -> Result<()> {
        let change = Change::by_system("AdvanceRotation", "the next step of a rotation");
        match self.change(change, Spare { turn }).await {
            // Somebody else has the step, or whoever had the secret is gone again: the next turn sees.
            Err(Error::Refused(Refusal::NotFound { .. })) => Ok(()),
            spared => spared,
        }
    }
}

/// The rotator has not made it, and cannot have it revoked.
fn left_to_a_person(turn: Turn, number: u32) -> Outcome {
    tracing::warn!(key = %turn.name, version = number, "a version is not revoked at its provider, its rotator has not made it: revoke it there");
    Outcome {
        turn,
        event: Event::Stuck(format!(
            "version {number} is not revoked at its provider, since its rotator has not made it: revoke it there yourself, and then give the rotation up"
        )),
        summary: format!(
            "version {number} is not revoked at its provider: its rotator has not made it, a person has to revoke it there"
        ),
    }
}

async fn holder(
    conn: &mut sqlx::PgConnection,
    fingerprint: Option<&[u8]>,
) -> store::Result<Option<Holder>> {
    match fingerprint {
        Some(fingerprint) => secrets::holder(conn, fingerprint).await,
        None => Ok(None),
    }
}

/// Whether a rotator has surely not done what it was asked: it was not reached, or says that it will not, or has not. Whatever else it says, or does
/// not, it may be at work.
fn is_undone(answer: &std::result::Result<Answer, OutboundError>) -> bool {
    match answer {
        Ok(answer) => {
            let is_ok = (200..300).contains(&answer.status);
            matches!(answer.status, 400..=407 | 409..500 | 503)
                || (is_ok && is_left_alone(&answer.body))
        }
        Err(OutboundError::Timeout | OutboundError::Unreadable) => false,
        Err(
            OutboundError::Malformed
            | OutboundError::PlainHttp
            | OutboundError::Forbidden(_)
            | OutboundError::Unresolved
            | OutboundError::Unreachable
            | OutboundError::Untrusted,
        ) => true,
    }
}

impl Verb for Spare {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let (_, mut rotation, resource) = self.turn.hold(work).await?;
        let number = rotation.number_to_revoke();
        let fingerprint = rotations::secret_to_revoke(work.conn, rotation.uid).await?;
        let Some(holder) = holder(work.conn, fingerprint.as_deref()).await? else {
            return Err(Refusal::NotFound { resource }.into());
        };
        come_back::let_go(work, &mut rotation, holder.version_uid).await?;
        Ok(Done {
            answer: (),
            resource,
            summary: format!(
                "version {number} is not revoked at its provider, since its secret came back as that of {}",
                holder.name()
            ),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
