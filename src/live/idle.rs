//! Limits that nobody asks for: their clocks are moved on all the same.
//!
//! The lower clock of a limit never runs ahead of what some replica has seen pass, so to replicas that are all new, the time that a
//! limit was idle before they came has not passed: a day's limit that was used up in the evening would begin the next day as late as it
//! was idle. Where one replica looks once a minute, that is a minute.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::Live;
use super::reserve::{Reserved, reserve};
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};
use crate::store::{self, limit_rounds};

/// How long a limit is left alone.
const IDLE_MAX: Duration = Duration::from_secs(50);

/// Moves the clocks of all idle limits that are charged for something.
///
/// # Errors
/// When the database fails.
pub async fn move_clocks(live: &Live, pool: &PgPool) -> store::Result<()> {
    let mut after = Uuid::nil();
    loop {
        let mut conn = pool.acquire().await?;
        let rows_max = LIMITS_PER_TRANSACTION as i64;
        let limits = limit_rounds::idle(&mut conn, IDLE_MAX, after, rows_max).await?;
        drop(conn);
        let Some(last) = limits.last() else {
            return Ok(());
        };
        after = *last;
        let works: Vec<Work> = limits.iter().map(|limit| Work::silent(*limit)).collect();
        let reserved = reserve(pool, live.as_replica(), &live.clock, &works, false);
        if matches!(reserved.await?, Reserved::Doubtful) {
            live.life.doubt();
            return Ok(());
        }
    }
}
