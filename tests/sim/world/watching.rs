//! How much is kept, and what happens by the script of a scenario.

use std::fmt::{Debug, Write};

use keylease::domain::ledger::budget::START_WITHIN_UNLIMITED;
use keylease::domain::limit::Mode;
use keylease::domain::offline::OfflineShare;
use keylease::domain::terms::Span;

use super::*;
use crate::setup::{Act, Odd, Replicas};

/// A change is heard of within a second; a replica that looks just before it hears of it in the next.
const HEARD_WITHIN: Duration = Duration::from_millis(1_100);

/// Entries of the database and of the replicas' memories, at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) database: usize,
    pub(crate) replicas: usize,
}

impl World<'_> {
    pub(super) fn watch(&mut self) {
        let replicas = self.replicas.iter().map(Replica::entries);
        let kept = Kept {
            database: self.database.entries(),
            replicas: replicas.sum(),
        };
        self.watched.push(kept);
        self.after(
            nanos(self.setup.watch_every.unwrap_or_default()),
            Event::Watch,
        );
    }

    pub(super) fn act(&mut self, index: usize) {
        let script = &self.setup.script;
        let (_, act) = script[index];
        self.after(nanos(self.setup.script_every), Event::Act(index));
        match act {
            Act::CutOff(index, lasts) => {
                self.replicas[index].cut_off_until = self.now + nanos(lasts);
            }
            Act::Outage(lasts) => self.database_back = self.now + nanos(lasts),
            Act::Share(share) => self.share(share),
            Act::Pause(index, lasts) => {
                self.replicas[index].paused_until = self.now + nanos(lasts);
            }
            Act::Odd(odd, lasts) => self.odd = Some((odd, self.now + nanos(lasts))),
            Act::Terms(validity, start_within) => {
                self.change(|limit| {
                    limit.validity = Some(validity);
                    limit.start_within = Some(start_within);
                });
            }
            Act::Span(window, validity, start_within) => self.span(window, validity, start_within),
            Act::Amount(amount) => self.amount(amount),
            Act::Mode(mode) => self.mode(mode),
            Act::Anew => self.begin_anew(),
            Act::FailOver(lacks, replicas) => {
                self.fail_over(nanos(lacks), nanos(lacks));
                if replicas == Replicas::Die {
                    self.kill_all();
                }
            }
            Act::Replace => self.replace_all(),
            Act::PowerCut => self.cut_power(),
        }
    }

    /// Whether a caller is odd like this now.
    pub(super) fn is_odd(&mut self, odd: Odd) -> bool {
        let now = self.now;
        let is_time = self
            .odd
            .is_some_and(|(which, until)| which == odd && now < until);
        let most = if odd == Odd::Unsent { 0.85 } else { 0.6 };
        is_time && self.random.chance(most)
    }

    /// Every limit has this offline share, or none.
    pub(super) fn share(&mut self, share: Option<OfflineShare>) {
        self.change(|limit| limit.offline = share);
    }

    /// Every limit is changed. Replicas hear of it when they reach the database.
    fn amount(&mut self, amount: u64) {
        // A lower amount binds within C: in windows that end later, so that what was granted by the higher has started before they begin.
        self.allow(amount, |limit| {
            nanos(limit.terms().charge_time() - limit.span.length())
        });
        self.change(|limit| limit.amount = amount);
    }

    /// Every limit refuses from now on, or only counts. What was leased before every replica had heard of it may start somewhat later.
    fn mode(&mut self, mode: Mode) {
        let amount = match mode {
            Mode::Enforce => self.limits[0].amount,
            Mode::Shadow => u64::MAX,
        };
        self.allow(amount, |_| nanos(HEARD_WITHIN + START_WITHIN_UNLIMITED));
        self.change(|limit| limit.mode = mode);
    }

    /// This is what the oracle allows from now on, or a while later where it is less.
    fn allow(&mut self, amount: u64, binds_after: impl Fn(&Limit) -> Time) {
        let now = self.now;
        for limit in &self.limits {
            let oracle = self.oracles.get_mut(&limit.uid).unwrap();
            // As the oracle sees it, the first amount has been there from the beginning.
            if now > 0 && oracle.is_unchanged() {
                oracle.changed(0, limit.amount, 0);
            }
            oracle.changed(now, amount, binds_after(limit));
        }
    }

    /// Every limit counts over another window.
    fn span(&mut self, window: Duration, validity: Duration, start_within: Duration) {
        let before: Vec<Limit> = self.limits.clone();
        self.change(|limit| {
            limit.span = Span::Rolling(window);
            limit.validity = Some(validity);
            limit.start_within = Some(start_within);
        });
        for limit in before {
            let oracle = self.oracles.get_mut(&limit.uid).unwrap();
            oracle.counts_over(self.now, nanos(window), nanos(limit.span.length()));
            self.database.outlast(limit.uid, limit.span, self.now);
        }
    }

    /// Every limit is deleted, and another like it created. It binds once what was leased or renewed before all had heard of it has ended.
    fn begin_anew(&mut self) {
        let heard = self.now + nanos(HEARD_WITHIN + self.setup.lease_duration);
        let binds = heard.max(self.last_end());
        for limit in &mut self.limits {
            let deleted = limit.uid;
            limit.uid = Uuid::from_u128(deleted.as_u128() + (1 << 32));
            limit.rev += 1;
            self.database.replace(deleted, limit, self.now);
            let mut oracle = self.oracles.remove(&deleted).unwrap();
            oracle.lets_go(self.now, binds);
            self.oracles.insert(limit.uid, oracle);
        }
    }

    fn change(&mut self, change: impl Fn(&mut Limit)) {
        for limit in &mut self.limits {
            limit.rev += 1;
            change(limit);
            let row = self.database.state.limits.get_mut(&limit.uid).unwrap();
            row.limit = limit.clone();
        }
    }
}

/// How many entries something has, by what it says of itself: as many as there are commas between them.
pub(crate) fn entries(of: &impl Debug) -> usize {
    struct Commas(usize);
    impl Write for Commas {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0 += text.bytes().filter(|byte| *byte == b',').count();
            Ok(())
        }
    }
    let mut commas = Commas(0);
    write!(commas, "{of:?}").unwrap();
    commas.0
}
