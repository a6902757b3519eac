//! Limits that nobody asks for: their clocks are moved on all the same.
//!
//! The lower clock of a limit never runs ahead of what some replica has seen pass, so to replicas that are all new, the time that a
//! limit was idle before they came has not passed: a day's limit that was used up in the evening would begin the next day as late as it
//! was idle. Where one replica looks once a minute, that is a minute.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::Live;
use super::account::AccountLive;
use super::ledger::Said;
use super::reserve::Reserved;
use super::transactions::Transactions;
use crate::domain::ledger::work::{LIMITS_PER_TRANSACTION, Work};
use crate::domain::time::BootTime;
use crate::store;

/// How long a limit is left alone.
pub const IDLE_MAX: Duration = Duration::from_secs(50);

/// Moves the clocks of all idle limits that are charged for something.
///
/// # Errors
/// When the database fails.
pub async fn move_clocks(live: &Live, transactions: &impl Transactions) -> store::Result<()> {
    touch_all(live, transactions, Round::Idle).await?;
    Ok(())
}

/// Which limits are touched.
#[derive(Debug, Clone, Copy)]
pub enum Round {
    /// Charged ones that nobody has asked for lately.
    Idle,
    /// Those that have not answered to this lossy incarnation.
    Unanswered(i64),
}

/// Touches all limits of a round. False if the database has to be looked at first.
pub(super) async fn touch_all(
    live: &Live,
    transactions: &impl Transactions,
    round: Round,
) -> store::Result<bool> {
    let mut after = Uuid::nil();
    loop {
        let limits = transactions.next(round, after).await?;
        let Some(last) = limits.last() else {
            return Ok(true);
        };
        after = *last;
        if !touch(live, transactions, &limits).await? {
            return Ok(false);
        }
    }
}

/// Tells what only this replica knows of what was granted before a lossy incarnation. False if the database has to be looked at first.
pub(super) async fn tell(
    live: &Live,
    transactions: &impl Transactions,
    incarnation: i64,
) -> store::Result<bool> {
    let untold = untold(live, incarnation, transactions.boot_now());
    for said in untold.chunks(LIMITS_PER_TRANSACTION) {
        let works: Vec<Work> = said.iter().map(|(_, work)| work.clone()).collect();
        if !said_all(live, transactions, &works, true).await? {
            return Ok(false);
        }
        for (account, work) in said {
            account.with_budget_quietly(|budget| budget.told(work.limit, incarnation));
        }
    }
    Ok(true)
}

fn untold(live: &Live, incarnation: i64, now: BootTime) -> Vec<Said> {
    let shared = live.glance();
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
pub(super) async fn touch(
    live: &Live,
    transactions: &impl Transactions,
    limits: &[Uuid],
) -> store::Result<bool> {
    let works: Vec<Work> = limits.iter().map(|limit| Work::silent(*limit)).collect();
    said_all(live, transactions, &works, false).await
}

async fn said_all(
    live: &Live,
    transactions: &impl Transactions,
    works: &[Work],
    wait: bool,
) -> store::Result<bool> {
    let reserved = transactions.reserve(live, works, wait).await?;
    let is_doubtful = matches!(reserved, Reserved::Doubtful);
    if is_doubtful {
        live.life.doubt();
    }
    Ok(!is_doubtful)
}
