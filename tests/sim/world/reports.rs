//! Reports on their way, to their issuers or to whoever settles in their place.

use keylease::domain::forwarded::Forwarded;
use keylease::domain::prolonged::Prolonged;
use keylease::live::takeover::Inherited;

use super::*;

/// How often reports are carried.
const EXCHANGE: Time = 200 * MILLI;
/// How often it is looked for reports whose issuer is gone.
const TAKE_OVER: Time = 5 * SECOND;

impl World<'_> {
    pub(super) fn report(&mut self, index: usize, report: Report) {
        if !self.replicas[index].is_there() {
            // Nobody answers, so it is sent to another.
            let other = self.random.index(self.replicas.len());
            self.after(CONNECT, Event::Report(other, report));
            return;
        }
        let renewed = self.renewed_until(index, &report);
        self.replicas[index].report(&report, renewed, self.now);
        self.wake(index);
    }

    fn renewed_until(&self, index: usize, report: &Report) -> Option<Timestamp> {
        let is_cut_off = self.is_cut_off(index);
        let known = self.database.renewed_until(report.issuer, report.serial);
        known.filter(|_| !is_cut_off)
    }

    pub(super) fn exchange(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) && !self.replicas[index].is_closing() {
            self.after(EXCHANGE, Event::Exchange(index, boot));
            self.carry(index);
        }
    }

    /// Sends what was reported here of others' leases, and takes what was reported elsewhere of its own. What cannot be written is never
    /// heard of again; what is taken up may be taken once more, where nobody heard that it was.
    pub(super) fn carry(&mut self, index: usize) {
        let sent = self.replicas[index].outbox.take();
        if self.is_cut_off(index) {
            return;
        }
        self.database.send(sent);
        let boot = self.replicas[index].boot_id;
        let taken = self.database.take(boot);
        if taken.is_empty() {
            return;
        }
        if self.random.chance(self.setup.faults.lost_reply) {
            let again = taken.iter().map(|report| (boot, report.clone()));
            self.database.send(again.collect());
            if self.random.chance(0.5) {
                return;
            }
        }
        for report in taken {
            self.receive(index, &report);
        }
    }

    /// What another replica wrote for this one.
    fn receive(&mut self, index: usize, bytes: &[u8]) {
        if let Ok(prolonged) = Prolonged::decode(bytes) {
            self.replicas[index].goes_on(&prolonged, self.now);
            return;
        }
        let report = Forwarded::decode(bytes).unwrap();
        let report = Report::found(self.replicas[index].boot_id, report);
        let renewed = self.renewed_until(index, &report);
        self.replicas[index].receive(&report, renewed, self.now);
    }

    pub(super) fn take_over(&mut self, index: usize, boot: Uuid) {
        if !self.is_up(index, boot) || self.replicas[index].is_closing() {
            return;
        }
        self.after(TAKE_OVER, Event::TakeOver(index, boot));
        if self.is_cut_off(index) {
            return;
        }
        let now = self.now;
        let sent = self.replicas[index].clock.at(now);
        loop {
            let client = self.replicas[index].client(sent, now);
            let Some(inherited) = self.database.take_over(&client, now) else {
                break;
            };
            for Inherited { issuer, report, .. } in inherited {
                self.replicas[index].charge_overuse(&Report::found(issuer, report));
            }
        }
    }
}
