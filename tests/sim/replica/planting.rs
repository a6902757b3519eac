//! What a replica does by the bugs that are planted.

use keylease::domain::ledger::block::Draw;
use keylease::domain::ledger::losable::Losable;
use keylease::domain::ledger::settle::Part;
use keylease::domain::ledger::work::Answer;
use keylease::domain::terms::Terms;
use keylease::live::ledger::Said;
use keylease::live::reserve;

use super::*;

impl Replica {
    /// As it asks the ledger, by the bugs that take what may be lost for safe.
    pub(super) fn misled(&self, replica: reserve::Replica) -> reserve::Replica {
        let losable = replica.losable;
        let losable = match self.bug {
            Some(Bug::RaisedAtOnce) => Losable::default(),
            Some(Bug::NewcomersUncounted) => Losable {
                newcomer_for: Duration::ZERO,
                ..losable
            },
            _ => losable,
        };
        reserve::Replica { losable, ..replica }
    }

    /// What the bug that ends open blocks has to know.
    pub(super) fn note_draws(&mut self, draws: &[(Uuid, Draw)]) {
        if self.bug != Some(Bug::EndOpenBlock) {
            return;
        }
        for (limit, draw) in draws {
            self.seen.entry((*limit, draw.block)).or_default().0 += 1;
        }
    }

    /// The bug that ends a block when all that was drawn from it so far has ended.
    pub(super) fn end_open(&mut self, draws: &[(Uuid, Draw)], ending: Option<Ending>) {
        let (Some(Bug::EndOpenBlock), Some(ending)) = (self.bug, ending) else {
            return;
        };
        for (limit, draw) in draws {
            let seen = self.seen.entry((*limit, draw.block)).or_default();
            seen.1 += 1;
            seen.2 = seen.2.max(ending.started_by);
            if seen.0 == seen.1 {
                let early = Return {
                    block: draw.block,
                    used: u64::MAX,
                    over_since: Some(seen.2),
                    terms: self.terms(*limit),
                    settled: Vec::new(),
                    is_ended: false,
                };
                self.early.push((*limit, early));
            }
        }
    }

    /// What there is to say, by the bugs: not what was used beyond the estimate, or the ends of open blocks too.
    pub(super) fn mislead(&mut self, said: &mut Vec<Said>) {
        if self.bug == Some(Bug::OveruseForgotten) {
            said.iter_mut().for_each(|(_, work)| work.charge = None);
        }
        for (limit, early) in self.early.drain(..) {
            match said.iter_mut().find(|(_, work)| work.limit == limit) {
                Some((_, work)) => work.returns.push(early),
                None => {
                    let mut work = Work::silent(limit);
                    work.returns.push(early);
                    said.push((Arc::clone(&self.account), work));
                }
            }
        }
    }

    /// What the replica makes of an answer, by the bugs.
    pub(crate) fn misread(&self, limit: Uuid, mut answer: Answer, now: BootTime) -> Answer {
        let is_late = now >= answer.sent.after(answer.terms.validity);
        match self.bug {
            Some(Bug::ValidityFromReply) => answer.sent = now,
            Some(Bug::PermitAfterExpiry) => answer.terms.validity *= 12,
            Some(Bug::TermsOfToday) => answer.terms = self.terms(limit),
            Some(Bug::LateKept) if is_late => answer.units = 0,
            _ => {}
        }
        answer
    }

    /// The bug that promises what the limits say today.
    pub(super) fn start_within(&self, taken: &Taken) -> Duration {
        let today = || taken.draws.iter().map(|(limit, _)| self.terms(*limit));
        match self.bug {
            Some(Bug::TermsOfToday) => today().map(|terms| terms.start_within).min(),
            _ => None,
        }
        .unwrap_or(taken.within.start)
    }

    pub(super) fn terms(&self, limit: Uuid) -> Terms {
        let limit = self.limits.iter().find(|l| l.uid == limit);
        limit.unwrap().terms()
    }

    /// The bug that gives back some permit of the block for a report that came twice.
    pub(super) fn give_back_another(&mut self, draws: &[(Uuid, Draw)], parts: &[Part]) {
        for (limit, draw) in draws {
            let others = (0..64).map(|ordinal| Draw { ordinal, ..*draw });
            let mut held = others.filter(|other| self.holds(&[(*limit, *other)]));
            if let Some(other) = held.next() {
                self.settle(&[(*limit, other)], parts, None);
            }
        }
    }
}
