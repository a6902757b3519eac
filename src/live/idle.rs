//! Limits that nobody asks for: their clocks are moved on all the same.
//!
//! The lower clock of a limit never runs ahead of what some replica has seen pass, so to replicas that are all new, the time that a
//! limit was idle before they came has not passed: a day's limit that was used up in the evening would begin the next day as late as it
//! was idle. Where one replica looks once a minute, that is a minute.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::clock::boot_now;
use super::ledger::Said;
use super::reserve::{Reserved, reserve};
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, limit_rounds};

/// How long a limit is left alone.
const IDLE_MAX: Duration = Duration::from_secs(50);

/// Moves the clocks of all idle limits that are charged for something.
///
/// # Errors
/// When the database fails.
pub async fn move_clocks(live: &Live, pool: &PgPool) -> store::Result<()> {
    touch_all(live, pool, Round::Idle).await?;
    Ok(())
}

/// Which limits are touched.
#[derive(Debug, Clone, Copy)]
pub(super) enum Round {
    /// Charged ones that nobody has asked for lately.
    Idle,
    /// Those that have not answered to this lossy incarnation.
    Unanswered(i64),
}

impl Round {
    /// Some of them, after this one.
    async fn next(self, conn: &mut PgConnection, after: Uuid) -> store::Result<Vec<Uuid>> {
        let rows_max = LIMITS_PER_TRANSACTION as i64;
        match self {
            Self::Idle => limit_rounds::idle(conn, IDLE_MAX, after, rows_max).await,
            Self::Unanswered(number) => {
                limit_rounds::unanswered(conn, number, after, rows_max).await
            }
        }
    }
}

/// Touches all limits of a round. False if the database has to be looked at first.
pub(super) async fn touch_all(live: &Live, pool: &PgPool, round: Round) -> store::Result<bool> {
    let mut after = Uuid::nil();
    loop {
        let limits = async {
            let mut conn = acquire(pool).await?;
            round.next(&mut conn, after).await
        };
        let limits = in_time(ANSWER_WITHIN, limits).await?;
        let Some(last) = limits.last() else {
            return Ok(true);
        };
        after = *last;
        if !touch(live, pool, &limits).await? {
            return Ok(false);
        }
    }
}

/// Tells what only this replica knows of what was granted before a lossy incarnation. False if the database has to be looked at first.
pub(super) async fn tell(live: &Live, pool: &PgPool, incarnation: i64) -> store::Result<bool> {
    let untold = untold(live, incarnation);
    for said in untold.chunks(LIMITS_PER_TRANSACTION) {
        let works: Vec<Work> = said.iter().map(|(_, work)| work.clone()).collect();
        if !said_all(live, pool, &works, true).await? {
            return Ok(false);
        }
        for (account, work) in said {
            account.with_budget_quietly(|budget| budget.told(work.limit, incarnation));
        }
    }
    Ok(true)
}

fn untold(live: &Live, incarnation: i64) -> Vec<Said> {
    let (now, shared) = (boot_now(), live.glance());
    let of_account = |account: &Arc<AccountLive>| {
        let works = account.with_budget_quietly(|budget| budget.untold(incarnation, now));
        let said = works.into_iter().map(|work| (Arc::clone(account), work));
        said.collect::<Vec<Said>>()
    };
    let accounts = shared.accounts.values();
    accounts
        .flat_map(|account| of_account(&account.live))
        .collect()
}

/// Lets limits, of one transaction at most, answer to what has become of the database and the time. False if the database has to be
/// looked at first.
pub(super) async fn touch(live: &Live, pool: &PgPool, limits: &[Uuid]) -> store::Result<bool> {
    let works: Vec<Work> = limits.iter().map(|limit| Work::silent(*limit)).collect();
    said_all(live, pool, &works, false).await
}

async fn said_all(live: &Live, pool: &PgPool, works: &[Work], wait: bool) -> store::Result<bool> {
    let reserved = reserve(pool, live.as_replica(), &live.clock, works, wait).await?;
    let is_doubtful = matches!(reserved, Reserved::Doubtful);
    if is_doubtful {
        live.life.doubt();
    }
    Ok(!is_doubtful)
}
