//! What there is to say to the database, transaction by transaction, and what becomes of each answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::account::AccountLive;
use super::block_counts;
use super::ledger::{Ledger, Said};
use crate::domain::ledger::work::{Answer, Work};
use crate::domain::time::BootTime;

/// How long a transaction may take before it is given up; its blocks, if any, are late by then anyway.
pub const TRANSACTION_MAX: Duration = Duration::from_secs(5);
/// Transactions at a time: a row that is locked for long must not hold up the others.
pub const TRANSACTIONS_MAX: usize = 3;

/// What is said together: first all of it, past rows that somebody else holds. Each of those then gets a transaction of its own, which
/// waits for its row for a while; so does each of those that were refused together, since one that is bad must not keep the others from
/// being served.
#[derive(Debug)]
pub struct Saying {
    together: Option<Vec<Said>>,
    alone: Vec<Said>,
}

/// What one transaction says.
#[derive(Debug)]
pub struct Part {
    /// Of each limit.
    pub said: Vec<Said>,
    /// It waits for rows that somebody else holds.
    pub waits: bool,
}

/// What came of a transaction.
#[derive(Debug)]
pub enum Reply {
    /// It is committed: the answer to each limit whose row was locked.
    Done(Vec<(Uuid, Option<Answer>)>),
    /// The database is there, and has taken nothing up.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl Saying {
    /// Nothing of it has been said yet.
    #[must_use]
    pub const fn new(said: Vec<Said>) -> Self {
        Self {
            together: Some(said),
            alone: Vec::new(),
        }
    }

    /// What the next transaction says, when the last has been answered.
    pub fn next_part(&mut self) -> Option<Part> {
        if let Some(said) = self.together.take() {
            return Some(Part { said, waits: false });
        }
        let said = vec![self.alone.pop()?];
        Some(Part { said, waits: true })
    }

    /// A transaction of it was answered.
    pub fn heard(&mut self, part: Part, reply: &Reply, ledger: &Ledger, now: BootTime) {
        let accounts: Vec<_> = part.said.iter().map(|(a, _)| Arc::clone(a)).collect();
        self.take_up(part, reply, now);
        // While it was under way nothing may have been open, so that nobody looked any more: what is open now has to be closed in time,
        // and what was not heard to be said again.
        ledger.note(&accounts);
    }

    fn take_up(&mut self, part: Part, reply: &Reply, now: BootTime) {
        let Part { said, waits } = part;
        let skipped = match reply {
            Reply::Done(answers) => take_in(said, answers, now),
            Reply::Refused => said,
            Reply::Unknown => return put_off(&said, false, now),
        };
        if waits {
            put_off(&skipped, true, now);
        } else {
            // The last is said first.
            self.alone.extend(skipped.into_iter().rev());
        }
    }
}

/// What was not locked is not answered.
pub(super) fn take_in(
    said: Vec<Said>,
    answers: &[(Uuid, Option<Answer>)],
    now: BootTime,
) -> Vec<Said> {
    let answers: HashMap<Uuid, Option<Answer>> = answers.iter().copied().collect();
    let (answered, skipped): (Vec<Said>, Vec<Said>) = said
        .into_iter()
        .partition(|(_, work)| answers.contains_key(&work.limit));
    for (account, work) in &answered {
        let answer = answers.get(&work.limit).copied().flatten();
        take_in_one(account, work, answer, now);
    }
    // Only now: who is woken finds all that was answered, not the first of it, or that one would always serve.
    for (account, work) in &answered {
        account.wake();
        if work.ask.is_some() {
            account.wake_impatient();
        }
    }
    skipped
}

fn take_in_one(account: &AccountLive, work: &Work, answer: Option<Answer>, now: BootTime) {
    answer
        .iter()
        .for_each(|answer| block_counts::answered(answer, now));
    account.with_budget_quietly(|budget| {
        budget.said(work);
        match answer {
            Some(answer) => budget.answered(work.limit, &answer, now),
            // The limit was deleted.
            None if work.ask.is_some() => budget.unsaid(work, true, now),
            None => {}
        }
    });
}

/// It was not taken up, as far as anybody knows, be the database there or not: it is said again later.
fn put_off(said: &[Said], is_there: bool, now: BootTime) {
    for (account, work) in said {
        block_counts::failed(work);
        account.with_budget(|budget| budget.unsaid(work, is_there, now));
        account.wake_impatient();
    }
}
