//! The transactions that give and end rights to canaries.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::canary::{Answer, Ask, Subject};
use crate::domain::time::BootTime;
use crate::live::Live;
use crate::store::connection::{ANSWER_WITHIN, acquire, begin, in_time};
use crate::store::{self, canaries, incidents, key_versions, limit_ledgers};

/// How soon it is worth asking again: whoever holds the right may have ended it, or it was not due yet by the database's clock.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Asks for a right that may be used from `sent` on. `None` if it is this replica's; else how long it is not to be had at most.
pub(super) async fn ask(
    live: &Live,
    pool: &PgPool,
    subject: &Subject,
    ask: &Ask,
    sent: BootTime,
) -> store::Result<Option<Duration>> {
    in_time(ANSWER_WITHIN, transact(live, pool, subject, ask, sent)).await
}

async fn transact(
    live: &Live,
    pool: &PgPool,
    subject: &Subject,
    ask: &Ask,
    sent: BootTime,
) -> store::Result<Option<Duration>> {
    let mut transaction = begin(pool, limit_ledgers::BEGIN).await?;
    let conn = &mut *transaction;
    if live.as_replica(sent).asker(conn).await?.is_none() {
        live.life.doubt();
        return Ok(Some(AGAIN_AFTER));
    }
    let held = canaries::lock(conn, subject).await?;
    // Whoever held the right before may have decided meanwhile: read behind the lock, where that cannot change any more.
    if let Some(version) = subject.as_version()
        && !key_versions::is_due(conn, version).await?
    {
        return Ok(Some(AGAIN_AFTER));
    }
    if let Some(provider) = subject.as_provider()
        && !incidents::is_due(conn, provider).await?
    {
        return Ok(Some(AGAIN_AFTER));
    }
    let clock = canaries::clock(conn).await?;
    let believed = held.map_or(clock.now, |held| live.clock.believed_of(&held, sent));
    let (right, wait) = match ask.decide(held, clock.now, believed, clock.lost) {
        Answer::Given(right) => (right, None),
        Answer::Held(right, wait) => (right, Some(wait)),
        Answer::Frozen(wait) => return Ok(Some(wait)),
    };
    let is_put = canaries::put(conn, subject, &right).await?;
    transaction.commit().await?;
    Ok(wait.or((!is_put).then_some(AGAIN_AFTER)))
}

/// Ends a right.
pub(super) async fn end(pool: &PgPool, subject: &Subject, right: Uuid) -> store::Result<()> {
    let ending = async {
        let mut conn = acquire(pool).await?;
        canaries::end(&mut conn, subject, right).await
    };
    in_time(ANSWER_WITHIN, ending).await
}
