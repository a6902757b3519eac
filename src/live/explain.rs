//! Why each key of a pool would or would not be chosen now: judged by the code that chooses, in its order, with nothing taken and no turn
//! advanced.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use sqlx::PgPool;

use self::foresight::{Foresight, Question};
use super::Live;
use super::choose::admit::{late, objections};
use super::choose::judge::judge;
use super::choose::order::order;
use super::choose::{Now, Wish};
use super::needing::{Needed, pass_over};
use super::passed_over::PassedOver;
use super::snapshot::{Candidate, PoolEntry, Run, Tier};
use super::unserved::Unserved;
use super::version::VersionLive;
use crate::domain::ledger::budget::lack::Because;
use crate::domain::ledger::budget::look::Look;

mod conclude;
mod foresight;
mod limiting;
mod objecting;

pub use conclude::Explained;

/// One key, as it is met on the way to a choice.
struct Met<'a> {
    tier: &'a Tier,
    run: &'a Run,
    candidate: &'a Candidate,
    /// The strategy names it first in its tier.
    is_first: bool,
    standing: Standing,
    /// What keeps it from serving, but its permits.
    over: Vec<PassedOver>,
    /// The limits of its account, and what each says.
    looks: Vec<Look>,
    needed: Needed<'a>,
    /// What a lease would have been told of this key alone.
    unserved: Unserved,
}

/// How a key stands to a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It serves.
    Fits { is_canary: bool },
    /// It would, if there were permits.
    Short { is_canary: bool },
    /// It does not.
    Refused,
}

/// Explains what a lease would choose. Where this replica holds no permits of a limit, a lease would ask the database; so the database is
/// read, and what it cannot answer is told as what a lease would be told.
pub async fn explain(
    live: &Live,
    database: &PgPool,
    pool: &PoolEntry,
    wish: &Wish<'_>,
    now: Now,
) -> Explained {
    let met = meet(pool, wish, now);
    let foresight = Foresight::read(database, live.as_replica(now.boot), &questions(&met)).await;
    conclude::conclude(pool, wish, now, met, &foresight)
}

/// Every key, in the order in which a lease would try them.
fn meet<'a>(pool: &'a PoolEntry, wish: &Wish<'a>, now: Now) -> Vec<Met<'a>> {
    let mut met = Vec::new();
    for tier in &pool.tiers {
        let turn = tier.turns.load(Ordering::Relaxed);
        let order = order(pool, tier, wish, turn, now.database);
        let keys = order.flat_map(|stretch| stretch.keys().map(move |(_, key)| (stretch.run, key)));
        met.extend(keys.enumerate().map(|(place, (run, candidate))| Met {
            is_first: place == 0,
            ..meet_one((tier, run), candidate, wish, now)
        }));
    }
    met
}

fn meet_one<'a>(
    (tier, run): (&'a Tier, &'a Run),
    candidate: &'a Candidate,
    wish: &Wish<'a>,
    now: Now,
) -> Met<'a> {
    let mut unserved = Unserved::default();
    let ask = |version: &VersionLive| version.look(wish.applicant, now);
    let over = objections(candidate, wish, now);
    let fit = judge(candidate, wish, now, ask);
    let fit = fit.and_then(|fit| match late(candidate, wish, now) {
        None => Ok(fit),
        Some(over) => Err(over),
    });
    let uses = fit.as_ref().map_or(wish.need.uses, |fit| fit.uses);
    let needed = Needed::new(candidate, wish, uses, now.database);
    let (refused, looks) = candidate.account.live.with_budget_quietly(|budget| {
        let refused = budget.would_refuse(needed.need, now.boot);
        let looks: Vec<Look> = budget.looks(needed.need, now.boot).collect();
        (refused.and_then(|take| take.done().err()), looks)
    });
    let standing = match (fit, refused) {
        (Err(over), _) => {
            pass_over(candidate, wish, now, over, &mut unserved);
            Standing::Refused
        }
        (Ok(fit), None) => Standing::Fits {
            is_canary: fit.is_canary,
        },
        (Ok(fit), Some(Because::Short(_))) => Standing::Short {
            is_canary: fit.is_canary,
        },
        (Ok(_), Some(never)) => {
            let lacks = looks.iter().cloned().filter_map(Look::lack);
            unserved.hears(&candidate.account, &needed, never, lacks.collect(), now);
            unserved.refuse(never, now);
            Standing::Refused
        }
    };
    Met {
        tier,
        run,
        candidate,
        is_first: false,
        standing,
        over,
        looks,
        needed,
        unserved,
    }
}

/// What has to be asked of the database: each need of each limit once.
fn questions(met: &[Met<'_>]) -> Vec<Question> {
    let looks = met.iter().flat_map(|met| &met.looks);
    let asking = looks.filter(|look| look.needed > 0);
    let questions: HashSet<Question> = asking
        .map(|look| Question {
            limit: look.limit.uid,
            needed: look.needed,
            seen: look.seen,
        })
        .collect();
    questions.into_iter().collect()
}
