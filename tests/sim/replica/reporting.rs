//! What a replica makes of reports.

use keylease::domain::judged::Judged;
use keylease::domain::ledger::block::Draw;
use keylease::domain::ledger::settle::{Lease, Part};
use keylease::live::reports::Entry;

use super::*;
use crate::caller::Report;

impl Replica {
    /// A report arrives, on a lease that is known to go on until then.
    pub(crate) fn report(&mut self, report: &Report, renewed: Option<Timestamp>, time: Time) {
        let now = self.database_now(time);
        let ends = report.claims.ends().max(renewed.unwrap_or_default());
        if ends < now {
            return;
        }
        if report.issuer == self.boot_id {
            self.count(report, renewed, false, time);
            return;
        }
        let boot = self.clock.at(time);
        let claimed = report.claimed(self.boot_end(renewed, time), boot);
        let known = self.foreign.entry(report.issuer).or_default();
        if matches!(known.enter(&claimed, boot), Entry::New(_)) {
            self.outbox.send(report.issuer, report.forwarded());
        }
    }

    /// A report that came elsewhere.
    pub(crate) fn receive(&mut self, report: &Report, renewed: Option<Timestamp>, time: Time) {
        self.count(report, renewed, true, time);
    }

    /// The same moment on its own clock.
    fn boot_end(&self, renewed: Option<Timestamp>, time: Time) -> Option<BootTime> {
        let now = self.database_now(time);
        renewed.map(|until| self.clock.at(time).after(until.since(now)))
    }

    fn count(&mut self, report: &Report, renewed: Option<Timestamp>, is_late: bool, time: Time) {
        let boot = self.clock.at(time);
        let mut claimed = report.claimed(self.boot_end(renewed, time), boot);
        match self.bug {
            Some(Bug::EndUnanswered) => claimed.ending.is_sure = true,
            Some(Bug::StartAtCall) => {
                claimed.ending.started_by = report.claims.received.unwrap_or_default();
            }
            _ => {}
        }
        let mut entry = self.reports.enter(&claimed, boot);
        let draws = report.claims.draws.as_slice();
        let parts: Vec<Part> = report.outcomes.iter().map(Judged::part).collect();
        let is_new = matches!(entry, Entry::New(_));
        let is_in_doubt = is_new && self.doubts(report, is_late);
        if let Entry::New(Some(ending)) = &mut entry
            && !is_in_doubt
        {
            ending.is_sure &= self.end(report);
        }
        match (entry, self.bug) {
            _ if is_in_doubt => self.charge_overuse(report),
            (Entry::Exhausted, _) if is_late && self.reports.enter_late(&claimed) => {
                self.charge_overuse(report);
            }
            (Entry::New(Some(mut ending)), Some(Bug::EndIncomplete)) => {
                ending.is_sure |= report.is_final && claimed.ending.is_sure;
                self.settle(draws, &parts, Some(ending));
            }
            (Entry::New(ending), _) => {
                self.settle(draws, &parts, ending);
                self.end_open(draws, ending);
            }
            (Entry::Duplicate, Some(Bug::RefundTwice)) => self.settle(draws, &parts, None),
            (Entry::Duplicate, Some(Bug::PermitTwice)) => self.give_back_another(draws, &parts),
            (Entry::Duplicate, Some(Bug::CountReports)) => {
                self.settle(draws, &[], Some(claimed.ending));
            }
            _ => {}
        }
    }

    /// Of a report that gives nothing back here, only what was used beyond the estimate counts.
    pub(crate) fn charge_overuse(&mut self, report: &Report) {
        let draws = report.claims.draws.iter();
        let draws: Vec<_> = draws.map(|(uid, draw)| (*uid, draw.elsewhere())).collect();
        let parts: Vec<Part> = report.outcomes.iter().map(Judged::part).collect();
        self.settle(&draws, &parts, None);
    }

    pub(super) fn settle(
        &mut self,
        draws: &[(Uuid, Draw)],
        parts: &[Part],
        ending: Option<Ending>,
    ) {
        let lease = Lease {
            draws,
            model: None,
            // The ledger's second look at what was settled must not hide the bugs.
            granted: u64::MAX,
        };
        self.account.with_budget(|b| b.settle(lease, parts, ending));
        self.note();
    }
}
