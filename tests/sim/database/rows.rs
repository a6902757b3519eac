//! Rows as one transaction reads and writes them. It takes no time, so that nobody else does meanwhile, and its futures are ready at once.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use keylease::domain::ledger::merging::{self, Merging};
use keylease::domain::ledger::page::{Free, Lack, NewBlock, Stated, Terming};
use keylease::store::Result;
use keylease::store::ledger_rows::LedgerRows;

use super::*;
use crate::time::MILLI;
use crate::world::nanos;

pub(super) struct Rows<'a> {
    pub(super) database: &'a mut Database,
    pub(super) time: Time,
    /// How long the transaction has been on its way.
    took: Time,
    /// For how long the answer to a heartbeat has been on its way.
    pub(super) after: Duration,
    /// Removed, and not merged into anything yet.
    removed: Vec<Stored>,
    /// For the bug that renews by what is left of a block: the limits where that can be.
    pub(super) by_estate: Vec<Uuid>,
}

/// What a transaction comes to whose statements wait for nothing.
pub(super) fn at_once<T>(transaction: impl Future<Output = Result<T>>) -> T {
    ready(transaction).unwrap()
}

/// Whether there is nothing to wait for.
pub(crate) fn is_ready(future: impl Future<Output = ()>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(future).poll(&mut context).is_ready()
}

/// What comes of what waits for nothing.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(done) = pin!(future).poll(&mut context) else {
        unreachable!("rows in memory make nobody wait");
    };
    done
}

impl<'a> Rows<'a> {
    pub(super) fn new(database: &'a mut Database, client: &Client<'_>, time: Time) -> Self {
        Self {
            database,
            time,
            took: nanos(client.now.since(client.sent)),
            after: Duration::ZERO,
            removed: Vec::new(),
            by_estate: Vec::new(),
        }
    }

    /// Those of these limits that there are, in order.
    fn rows(&mut self, limits: &[Uuid]) -> impl Iterator<Item = (Uuid, &mut Row)> {
        let rows = self.database.state.limits.iter_mut();
        let rows = rows.filter(|(limit, _)| limits.contains(limit));
        rows.map(|(limit, row)| (*limit, row))
    }

    fn row(&mut self, limit: Uuid) -> &mut Row {
        self.database.state.limits.get_mut(&limit).unwrap()
    }

    /// In the place of what was removed, by ends.
    fn merge(&mut self, block: &NewBlock) {
        let bug = self.database.bug;
        let ended = |of: &mut Stored| of.charge_until <= block.charge_until;
        let of: Vec<Stored> = self.removed.extract_if(.., ended).collect();
        let earliest = of.iter().map(|block| block.charge_until).min();
        let last = of.iter().map(|block| block.binds_until).max();
        let mut into = *block;
        if let (Some(Bug::MergedEndRoundedDown), Some(earliest)) = (bug, earliest) {
            into.charge_until = earliest;
        }
        let binds_until = last.unwrap_or_default();
        self.row(block.limit_uid).insert(&into, binds_until);
    }

    /// All of it may start D + L later than it was sent, and counts for W.
    fn charge(&mut self, block: &NewBlock) {
        let (bug, sent) = (self.database.bug, self.time.saturating_sub(self.took));
        let row = self.row(block.limit_uid);
        let (terms, high) = (row.limit.terms(), row.entry.clocks.high);
        let mut block = *block;
        match (bug, terms.span) {
            (Some(Bug::ChargeForWindowOnly), span) => {
                block.charge_until = high.after(span.length());
            }
            (Some(Bug::ChargeOneDay), Span::Calendar(calendar)) => {
                block.charge_until = calendar.end(high);
            }
            _ => {}
        }
        let lasts = match (terms.span, block.open_until) {
            (Span::Rolling(window), Some(_)) => window + terms.validity + terms.start_within,
            (Span::Rolling(_) | Span::Calendar(_) | Span::Held(_), _) => Duration::ZERO,
        };
        // What is charged alone binds nobody.
        let binds_until = if lasts.is_zero() {
            0
        } else {
            sent + nanos(lasts)
        };
        row.insert(&block, binds_until);
    }
}

impl LedgerRows for Rows<'_> {
    async fn look(&mut self, boot_id: Uuid) -> Result<Standing> {
        let now = self.database.clock.at(self.time);
        Ok(self.database.seen(boot_id, now))
    }

    async fn lock(&mut self, limits: &[Uuid], _wait: bool) -> Result<Vec<(Uuid, Entry)>> {
        let is_forgetful = self.database.bug == Some(Bug::ReachOfToday);
        let locked = self.rows(limits).map(|(limit, row)| {
            let mut entry = row.entry;
            if is_forgetful {
                entry.reach = Reach::NONE;
            }
            (limit, entry)
        });
        Ok(locked.collect())
    }

    async fn terms(&mut self, limits: &[Uuid]) -> Result<HashMap<Uuid, Terming>> {
        let now = self.database.clock.at(self.time);
        let rows = self.rows(limits).filter(|(_, row)| !row.is_deleted);
        Ok(rows.map(|(limit, row)| (limit, row.terming(now))).collect())
    }

    async fn state_use(&mut self, stated: &[Stated]) -> Result<()> {
        let bug = self.database.bug;
        for stated in stated {
            if let Some(block) = self.database.block(stated.block_id) {
                block.state_use(stated, bug);
            }
        }
        Ok(())
    }

    async fn charged(&mut self, entries: &[(Uuid, Entry)]) -> Result<HashMap<Uuid, Charged>> {
        let (time, began) = (self.time, self.time.saturating_sub(self.took));
        let bug = self.database.bug;
        let charged = entries.iter().map(|(limit, entry)| {
            let row = &self.database.state.limits[limit];
            let charged = match bug {
                Some(Bug::GrantWithoutGuard) => Charged::default(),
                Some(Bug::ReadBeforeLock) => row.charged_at(time.saturating_sub(20 * MILLI)),
                Some(Bug::RepeatableRead) => row.charged_at(began),
                _ => row.charged(entry.clocks.low),
            };
            (*limit, charged)
        });
        Ok(charged.collect())
    }

    async fn old(&mut self, merging: &Merging) -> Result<Vec<merging::Row>> {
        Ok(self.row(merging.limit).old(merging))
    }

    async fn remove(&mut self, blocks: &[Uuid]) -> Result<()> {
        let rows = self.database.state.limits.values_mut();
        for row in rows {
            let removed = blocks.iter().filter_map(|id| row.blocks.remove(id));
            self.removed.extend(removed);
        }
        Ok(())
    }

    async fn advance(&mut self, moved: &[(Uuid, Entry)]) -> Result<()> {
        let bug = self.database.bug;
        for (limit, entry) in moved {
            let row = self.row(*limit);
            row.entry = *entry;
            match bug {
                Some(Bug::NoClaim) => row.entry.claim = None,
                Some(Bug::ToldForgotten) => row.entry.told = None,
                _ => {}
            }
        }
        Ok(())
    }

    async fn forget(&mut self, entries: &[(Uuid, Entry)]) -> Result<()> {
        let (time, bug) = (self.time, self.database.bug);
        for (limit, entry) in entries {
            self.row(*limit).forget(entry.clocks.low, time, bug);
        }
        Ok(())
    }

    async fn insert(&mut self, _boot_id: Uuid, blocks: &[NewBlock]) -> Result<()> {
        for block in blocks {
            if self.removed.is_empty() {
                self.charge(block);
            } else {
                self.merge(block);
            }
        }
        Ok(())
    }

    async fn frees(&mut self, lacks: &[Lack]) -> Result<HashMap<Uuid, Free>> {
        let frees = lacks.iter().map(|lack| {
            let row = &self.database.state.limits[&lack.limit_uid];
            let free = Free {
                need: row.frees(lack.units, lack.low),
                largest: row.frees(lack.units_of_largest, lack.low),
            };
            (lack.limit_uid, free)
        });
        Ok(frees.collect())
    }
}
