//! What reports have carried of one account's limits, as this replica heard it: one odd report changes nothing that is known already, and
//! what is known is written only when it changes.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::learned::{
    BudgetName, CALLER_STATEMENTS_MAX, Learned, STATEMENTS_MAX, WITNESSES_MAX,
};
use crate::domain::time::Timestamp;

/// How old what is written may be of something that is heard all the time.
const WRITTEN_AGE_MAX: Duration = Duration::from_hours(1);

/// Who says something, and on which lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// The caller.
    pub caller: Uuid,
    /// The lease: its issuer's boot, and its number there.
    pub lease: (Uuid, u64),
}

/// What was heard of one account.
#[derive(Debug, Default)]
pub struct Heard {
    budgets: HashMap<BudgetName, Known>,
}

/// What is known of one budget.
#[derive(Debug)]
struct Known {
    amount: u64,
    witnesses: Vec<Uuid>,
    lease: (Uuid, u64),
    leases: u32,
    first: Timestamp,
    last: Timestamp,
    /// Another amount that one report has stated since this one was last stated.
    rival: Option<(u64, Witness)>,
    /// When it was last written, unless there is news.
    written: Option<Timestamp>,
}

impl Known {
    fn new(amount: u64, witness: Witness, now: Timestamp) -> Self {
        Self {
            amount,
            witnesses: vec![witness.caller],
            lease: witness.lease,
            leases: 1,
            first: now,
            last: now,
            rival: None,
            written: None,
        }
    }

    fn agree(&mut self, witness: Witness, now: Timestamp) {
        self.rival = None;
        self.last = now;
        if self.leases < 2 && self.lease != witness.lease {
            self.leases = 2;
            self.written = None;
        }
        if self.witnesses.len() < WITNESSES_MAX && !self.witnesses.contains(&witness.caller) {
            self.witnesses.push(witness.caller);
            self.written = None;
        }
        let is_old = |written: &Timestamp| now.since(*written) > WRITTEN_AGE_MAX;
        self.written = self.written.filter(|written| !is_old(written));
    }

    /// Two reports in a row, of two leases, put another amount in its place.
    fn disagree(&mut self, amount: u64, witness: Witness, now: Timestamp) {
        match self.rival {
            Some((rival, earlier)) if rival == amount && earlier.lease != witness.lease => {
                *self = Self::new(amount, earlier, now);
                self.agree(witness, now);
            }
            Some((rival, _)) if rival == amount => {}
            Some(_) | None => self.rival = Some((amount, witness)),
        }
    }
}

impl Heard {
    /// A report states an amount. Answers whether there is something to write.
    pub fn hear(
        &mut self,
        budget: BudgetName,
        amount: u64,
        witness: Witness,
        now: Timestamp,
    ) -> bool {
        if let Some(known) = self.budgets.get_mut(&budget) {
            if known.amount == amount {
                known.agree(witness, now);
            } else {
                known.disagree(amount, witness, now);
            }
            return known.written.is_none();
        }
        let begun = |known: &&Known| known.witnesses.first() == Some(&witness.caller);
        let of_caller = self.budgets.values().filter(begun).count();
        if of_caller >= CALLER_STATEMENTS_MAX || !self.has_room(now) {
            return false;
        }
        let known = Known::new(amount, witness, now);
        self.budgets.insert(budget, known);
        true
    }

    /// Whether there is room for one more, if need be in the place of the one that was heard longest ago.
    fn has_room(&mut self, now: Timestamp) -> bool {
        if self.budgets.len() < STATEMENTS_MAX {
            return true;
        }
        let oldest = self.budgets.iter().min_by_key(|(_, known)| known.last);
        let oldest = oldest.filter(|(_, known)| now.since(known.last) > WRITTEN_AGE_MAX);
        let Some(oldest) = oldest.map(|(budget, _)| budget.clone()) else {
            return false;
        };
        self.budgets.remove(&oldest).is_some()
    }

    /// What is to be written, which counts as written from now on.
    pub fn news(&mut self, now: Timestamp) -> Vec<Learned> {
        let unwritten = self.budgets.iter_mut();
        let unwritten = unwritten.filter(|(_, known)| known.written.is_none());
        let news = unwritten.map(|(budget, known)| {
            known.written = Some(now);
            Learned {
                budget: budget.clone(),
                amount: known.amount,
                witnesses: known.witnesses.clone(),
                leases: known.leases,
                first_seen: known.first,
                last_seen: known.last,
            }
        });
        news.collect()
    }

    /// This could not be written: it is news again.
    pub fn unwritten(&mut self, news: &[Learned]) {
        for learned in news {
            if let Some(known) = self.budgets.get_mut(&learned.budget) {
                known.written = None;
            }
        }
    }

    /// Forgets what was not heard since then, so that others have room.
    pub fn forget(&mut self, since: Timestamp) {
        self.budgets.retain(|_, known| known.last >= since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limit::Dimension;

    fn budget(model: &str) -> BudgetName {
        BudgetName {
            dimension: Dimension::Requests,
            model: model.to_owned(),
            window: Duration::from_mins(1),
        }
    }

    fn witness(caller: u128, serial: u64) -> Witness {
        Witness {
            caller: Uuid::from_u128(caller),
            lease: (Uuid::nil(), serial),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn hear(heard: &mut Heard, amount: u64, witness: Witness, seconds: i64) -> Option<Learned> {
        heard.hear(budget("m"), amount, witness, at(seconds));
        heard.news(at(seconds)).pop()
    }

    #[test]
    fn what_is_stated_all_the_time_is_written_once_and_then_by_the_hour() {
        let mut heard = Heard::default();
        let first = hear(&mut heard, 500, witness(1, 1), 0).unwrap();
        assert_eq!((first.amount, first.leases), (500, 1));
        // The same lease in parts is no second lease.
        assert_eq!(hear(&mut heard, 500, witness(1, 1), 1), None);
        assert_eq!(hear(&mut heard, 500, witness(1, 2), 2).unwrap().leases, 2);
        let written: Vec<_> = (3..3_600)
            .filter_map(|at| hear(&mut heard, 500, witness(1, at as u64), at))
            .collect();
        assert_eq!(written, []);
        let again = hear(&mut heard, 500, witness(1, 9_999), 3_700).unwrap();
        assert_eq!((again.first_seen, again.last_seen), (at(0), at(3_700)));
        let other = hear(&mut heard, 500, witness(2, 10_000), 3_701).unwrap();
        assert_eq!(other.witnesses.len(), 2);
    }

    #[test]
    fn one_odd_report_changes_nothing_and_two_in_a_row_do() {
        let mut heard = Heard::default();
        hear(&mut heard, 500, witness(1, 1), 0);
        hear(&mut heard, 500, witness(1, 2), 0);
        for at in 1..100 {
            assert_eq!(hear(&mut heard, 1, witness(2, 7), at), None, "one lease");
        }
        assert_eq!(hear(&mut heard, 500, witness(1, 3), 100), None);
        assert_eq!(hear(&mut heard, 1, witness(2, 8), 101), None);
        let changed = hear(&mut heard, 1, witness(2, 9), 102).unwrap();
        assert_eq!((changed.amount, changed.leases), (1, 2));
        assert_eq!(changed.witnesses, [Uuid::from_u128(2)]);
    }

    #[test]
    fn models_that_one_caller_makes_up_leave_room_for_others() {
        let mut heard = Heard::default();
        for i in 0..1_000 {
            heard.hear(budget(&format!("m{i}")), 5, witness(1, i), at(0));
        }
        assert_eq!(heard.budgets.len(), CALLER_STATEMENTS_MAX);
        assert!(heard.hear(budget("other"), 5, witness(2, 1), at(0)));
        for i in 0..1_000 {
            heard.hear(budget(&format!("n{i}")), 5, witness(i, 1), at(0));
        }
        assert_eq!(heard.budgets.len(), STATEMENTS_MAX);
        // What is heard no more makes room, an hour later.
        assert!(!heard.hear(budget("later"), 5, witness(9, 1), at(3_600)));
        assert!(heard.hear(budget("later"), 5, witness(9, 1), at(3_601)));
        heard.forget(at(3_602));
        assert!(heard.budgets.is_empty());
    }
}
