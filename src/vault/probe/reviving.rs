//! A probe finds a dead version well.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::health::Health;
use crate::domain::time::Timestamp;
use crate::domain::transition::Who;
use crate::store::{self, health_changes, key_versions};

/// A dead version has served its time: the next lease of it is its canary. Answers whether it was dead, and not yet so far. Where the one
/// before failed after a probe had found the key well, a provider shows what is asked for to anybody: only its time brings it back.
pub(super) async fn revive(
    conn: &mut PgConnection,
    uid: Uuid,
    rev: i64,
    now: Timestamp,
) -> store::Result<bool> {
    let stored = key_versions::lock_health(conn, uid).await?;
    let Some((stored @ Health::Dead(_), _)) = stored else {
        return Ok(false);
    };
    let mut served = stored.clone();
    if let Health::Dead(cause) = &mut served {
        if cause.until <= now {
            return Ok(false);
        }
        cause.until = now;
    }
    if health_changes::was_revived_in_vain(conn, uid).await? {
        return Ok(false);
    }
    key_versions::set_health(conn, uid, rev, (&served, None), now).await?;
    let word = ("probe", Some(Who::Probe.why_well()));
    health_changes::insert(conn, uid, (&stored, &served), word, now).await?;
    Ok(true)
}
