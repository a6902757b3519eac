//! What the database would answer if permits were asked for now: decided by the code that grants them, on rows that are read and neither
//! locked nor written.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::ledger::clock::Believed;
use crate::domain::ledger::entry::Seen;
use crate::domain::ledger::grant::{Ask, Urgency};
use crate::domain::ledger::loss::Most;
use crate::domain::ledger::page::Page;
use crate::domain::ledger::work::{NumberedAsk, Wait, Work};
use crate::live::clock::boot_now;
use crate::live::reserve::Replica;
use crate::store::connection::{begin, in_time};
use crate::store::limit_ledgers::peek::{BEGIN, peek};
use crate::store::{self, limit_blocks, limit_ledgers};

/// How long the database is waited for: as long as a lease waits for permits that nobody holds yet.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// One need of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) limit: Uuid,
    pub(super) needed: u64,
    /// The last grant of the limit that this replica has seen.
    pub(super) seen: Seen,
}

/// What the database would answer to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Foreseen {
    pub(super) is_granted: bool,
    /// Units that are neither charged nor kept for replicas without a database.
    pub(super) remaining: u64,
    /// When to ask again, and when that much is free.
    pub(super) wait: Wait,
}

/// What the database would answer; nothing is known of any limit where it does not.
#[derive(Debug, Default)]
pub(super) struct Foresight(HashMap<(Uuid, u64), Foreseen>);

impl Foresight {
    pub(super) fn of(&self, limit: Uuid, needed: u64) -> Option<Foreseen> {
        self.0.get(&(limit, needed)).copied()
    }

    /// Reads it, if the database answers in time.
    pub(super) async fn read(pool: &PgPool, replica: Replica, questions: &[Question]) -> Self {
        if questions.is_empty() {
            return Self::default();
        }
        match in_time(ANSWER_MAX, foresee(pool, replica, questions)).await {
            Ok(foreseen) => Self(foreseen),
            Err(error) => {
                tracing::debug!(%error, "the ledger could not be read, an explanation does without it");
                Self::default()
            }
        }
    }
}

async fn foresee(
    pool: &PgPool,
    replica: Replica,
    questions: &[Question],
) -> store::Result<HashMap<(Uuid, u64), Foreseen>> {
    let mut transaction = begin(pool, BEGIN).await?;
    let conn = &mut *transaction;
    let mut foreseen = HashMap::new();
    for works in rounds(questions) {
        foreseen.extend(round(conn, replica, &works).await?);
    }
    Ok(foreseen)
}

/// A limit is asked once at a time; one that differing needs are asked of, again.
fn rounds(questions: &[Question]) -> Vec<Vec<Work>> {
    let mut left: Vec<&Question> = questions.iter().collect();
    let mut rounds = Vec::new();
    while !left.is_empty() {
        let mut asked = HashSet::new();
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|q| asked.insert(q.limit));
        rounds.push(now.into_iter().map(work).collect());
        left = later;
    }
    rounds
}

fn work(question: &Question) -> Work {
    let ask = Ask {
        need: question.needed.max(1),
        want: question.needed.max(1),
        lacking: 0,
        largest: question.needed.max(1),
        urgency: Urgency::Lacking,
        only_looks: false,
    };
    Work {
        ask: Some(NumberedAsk { block: 0, ask }),
        seen: question.seen,
        most: Most::NONE,
        ..Work::silent(question.limit)
    }
}

/// As the ledger's own transaction goes, without its writes. Charges end by the database's clock, as they do for a replica that has known
/// it for long.
async fn round(
    conn: &mut PgConnection,
    replica: Replica,
    works: &[Work],
) -> store::Result<Vec<((Uuid, u64), Foreseen)>> {
    let sent = boot_now();
    let Some(asker) = replica.asker(conn).await? else {
        return Ok(Vec::new());
    };
    let limits: Vec<Uuid> = works.iter().map(|work| work.limit).collect();
    let entries: HashMap<_, _> = peek(conn, &limits).await?.into_iter().collect();
    let mut terming = limit_ledgers::terms(conn, &limits).await?;
    let page = |work| {
        let work: &Work = work;
        let entry = entries.get(&work.limit)?;
        Some(Page::new(work, *entry, terming.remove(&work.limit)))
    };
    let mut pages: Vec<_> = works.iter().filter_map(page).collect();
    for page in &mut pages {
        if let Some(now) = page.terming().map(|terming| terming.now) {
            page.turn(&asker, Believed::exactly(now), Uuid::nil);
        }
    }
    let rows: Vec<_> = pages.iter().map(|p| (p.work.limit, p.entry)).collect();
    let charged = limit_blocks::charged(conn, &rows).await?;
    for page in &mut pages {
        page.decide(
            &asker,
            charged.get(&page.work.limit).copied().unwrap_or_default(),
        );
    }
    let lacks: Vec<_> = pages.iter().filter_map(Page::lack).collect();
    let frees = limit_blocks::frees(conn, &lacks).await?;
    let answered = pages.iter().filter_map(|page| {
        let limit = page.work.limit;
        let free = frees.get(&limit).copied().unwrap_or_default();
        let answer = page.answer(free, sent, boot_now())?;
        let charged = charged.get(&limit).map_or(0, |charged| charged.units);
        let kept = page.entry.offline.units();
        let foreseen = Foreseen {
            is_granted: answer.units > 0,
            remaining: page
                .terming()?
                .amount
                .saturating_sub(kept)
                .saturating_sub(charged),
            wait: answer.wait,
        };
        Some(((limit, page.work.ask?.ask.need), foreseen))
    });
    Ok(answered.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_asked_once_a_round_and_every_need_of_it_in_the_end() {
        let question = |limit, needed| Question {
            limit: Uuid::from_u128(limit),
            needed,
            seen: Seen::NONE,
        };
        let rounds = rounds(&[question(1, 5), question(2, 5), question(1, 7)]);
        let asked = |works: &Vec<Work>| -> Vec<(u128, u64)> {
            let asks = works
                .iter()
                .map(|work| (work.limit.as_u128(), work.ask.unwrap().ask.need));
            asks.collect()
        };
        let asked: Vec<_> = rounds.iter().map(asked).collect();
        assert_eq!(asked, [vec![(1, 5), (2, 5)], vec![(1, 7)]]);
    }
}
