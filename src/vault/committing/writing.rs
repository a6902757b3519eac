//! How verdicts are written: under a lock, onto what is stored.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::canary::{Right, Subject};
use crate::domain::health::{Cause, Health};
use crate::domain::time::Timestamp;
use crate::domain::transition::Transition;
use crate::live::owed::Decided;
use crate::store::{
    self, canaries, cooldowns, deletions, health_changes, key_versions, version_cooldowns,
};

/// An account cools down, as far as several say so, or does no more since a lease has found that one caller was wrong.
pub(super) async fn cools(
    conn: &mut PgConnection,
    account_uid: Uuid,
    (model, cause): (&str, Cause),
    (rev, now): (i64, Timestamp),
) -> store::Result<()> {
    if cause.is_refuted() {
        if cooldowns::refute(conn, account_uid, model).await? {
            // Replicas then read anew what the account cools down from, and know why.
            deletions::insert(conn, rev, "cooldowns", account_uid).await?;
            deletions::insert(conn, rev, "tried_cooldowns", account_uid).await?;
            if cause.wrong().is_some() {
                deletions::insert(conn, rev, "refuted_cooldowns", account_uid).await?;
            }
        }
        return Ok(());
    }
    let stored = cooldowns::lock(conn, account_uid, model, now).await?;
    let cause = stored.iter().fold(cause, Cause::joined);
    cooldowns::extend(conn, account_uid, model, (rev, now), &cause).await
}

/// The same of a model of a version.
pub(super) async fn model_cools(
    conn: &mut PgConnection,
    version_uid: Uuid,
    (model, cause): (&str, Cause),
    (rev, now): (i64, Timestamp),
) -> store::Result<()> {
    if cause.is_refuted() {
        if version_cooldowns::refute(conn, version_uid, model).await? {
            deletions::insert(conn, rev, "version_cooldowns", version_uid).await?;
            deletions::insert(conn, rev, "tried_version_cooldowns", version_uid).await?;
        }
        return Ok(());
    }
    let stored = version_cooldowns::lock(conn, version_uid, model, now).await?;
    let cause = stored.iter().fold(cause, Cause::joined);
    version_cooldowns::extend(conn, version_uid, model, rev, &cause).await
}

/// A right may have been given by a clock that is ahead of what its replica knew of it.
const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// The canary has decided, and its right ends. False where that had ended before, or is another's: its success decides nothing, since
/// that one may be out. `own` is the right that this replica knows to be out, where it has given the canary itself.
pub(super) async fn end_right(
    conn: &mut PgConnection,
    version_uid: Uuid,
    (canary, own): (Decided, Option<Option<Uuid>>),
) -> store::Result<bool> {
    let subject = Subject::version(version_uid);
    let held = canaries::lock(conn, &subject).await?;
    let is_its = |right: &Right| match own {
        Some(own) => own == Some(right.id),
        // What was given before the right was had is an older one.
        None => canary.given >= right.since.before(CLOCK_SLACK),
    };
    let held = held.filter(|right| right.boot_id == canary.issuer);
    let Some(right) = held.filter(is_its) else {
        return Ok(false);
    };
    canaries::end(conn, &subject, right.id).await?;
    Ok(true)
}

/// How a version stands once a verdict on it is committed.
pub(super) struct Standing {
    pub(super) health: Health,
    /// The verdict, or what it made of another.
    pub(super) is_news: bool,
    /// When it became well after having been dead, if it was.
    pub(super) recovered: Option<Timestamp>,
}

/// Writes a verdict, unless what is stored stands, and notes it in the version's history. `None` where the version is gone.
pub(super) async fn write_health(
    conn: &mut PgConnection,
    version_uid: Uuid,
    (news, who, may_revive): (&Transition, &str, bool),
    (rev, at): (i64, Timestamp),
) -> store::Result<Option<Standing>> {
    let Some((stored, recovered)) = key_versions::lock_health(conn, version_uid).await? else {
        return Ok(None);
    };
    let to = news.onto(&stored, at);
    let Some(health) = to.filter(|to| may_revive || *to != Health::Active) else {
        return Ok(Some(Standing {
            health: stored,
            is_news: false,
            recovered,
        }));
    };
    let is_well = health == Health::Active;
    let recovered = news.needs_right().then_some(at).filter(|_| is_well);
    if is_well && recovered.is_none() {
        // It was not dead, but a budget of it is not spent: every replica is to know whose word that was.
        deletions::insert(conn, rev, "refuted_versions", version_uid).await?;
    }
    key_versions::set_health(conn, version_uid, rev, (&health, recovered), at).await?;
    let why = is_well.then(|| news.who.why_well());
    health_changes::insert(conn, version_uid, (&stored, &health), (who, why), at).await?;
    Ok(Some(Standing {
        recovered,
        health,
        is_news: true,
    }))
}
