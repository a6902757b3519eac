//! What happens, and to whom.

use keylease::live::saying::Reply;

use super::*;
use crate::replica::Number;

pub(super) enum Event {
    Arrive,
    Faults,
    Keep,
    /// The database's clock is set by so much.
    SetClock(i64),
    Beat(usize, Uuid),
    Boot(usize),
    /// It is time for a replica to do something by itself.
    Wake(usize, Uuid),
    Call(usize, Call),
    Leased(Given),
    /// It is looked how much is kept.
    Watch,
    /// Something happens by the script.
    Act(usize),
    Start(Given, Portion),
    /// Uses begin at the last moment whose callers have given up on them.
    StartLast(Given, Portion),
    /// A caller has waited long enough for an answer.
    Patience(RequestId),
    /// A caller that has waited long enough takes its call away.
    Cancel(usize, RequestId, Time),
    /// The next replica is to end and come back.
    Roll(usize),
    Drain(usize, Uuid),
    Close(usize, Uuid),
    Leave(usize, Uuid),
    /// A replica sends reports to others, and takes its own.
    Exchange(usize, Uuid),
    /// A replica settles for those that are gone.
    TakeOver(usize, Uuid),
    Report(usize, Report),
    Transact(usize, Uuid, Transaction),
    Answered(usize, Uuid, Number, Reply),
    /// What was said may be late to be answered.
    Late(usize, Uuid, Number),
    /// A caller looks at what it holds.
    Hold(LeaseId),
    /// A caller asks for its lease to go on.
    AskOn(LeaseId),
    Renew(usize, Given, Time),
    RenewTransact(usize, Uuid, Renewing),
    RenewAnswered(usize, Uuid, Renewing),
    /// A caller learns that its lease goes on.
    GoesOn(LeaseId, Time, Duration),
}

/// A transaction of the ledger on its way.
pub(super) struct Transaction {
    pub(super) number: Number,
    /// When it was sent, by the replica's clock.
    pub(super) sent: BootTime,
    pub(super) server: u32,
    /// How long it has waited for rows.
    pub(super) waited: Time,
}

/// A renewal on its way.
pub(super) struct Renewing {
    pub(super) given: Given,
    /// When the caller sent its call, truly.
    pub(super) sent: Time,
    /// When the replica began, by its clock.
    pub(super) begun: BootTime,
    /// For how long it is to go on; then, for how long it does.
    pub(super) lasts: Duration,
    pub(super) server: u32,
}

impl World<'_> {
    pub(super) fn happen(&mut self, event: Event) {
        let Some(index) = event.replica() else {
            self.befall(event);
            return;
        };
        let until = self.replicas[index].paused_until;
        if self.now < until {
            // What comes to a replica that is stopped, comes when it goes on.
            self.after(until - self.now, event);
            return;
        }
        self.befall(event);
        self.wake(index);
    }

    fn befall(&mut self, event: Event) {
        match event {
            Event::Arrive => self.arrive(),
            Event::Faults => self.faults(),
            Event::Keep => self.keep(),
            Event::SetClock(by) => self.database.clock.step(by),
            Event::Beat(index, boot) => self.beat(index, boot),
            Event::Boot(index) => {
                self.replicas[index] = self.boot();
                self.set_out(index);
            }
            Event::Wake(index, boot) => {
                if self.is_up(index, boot) {
                    let now = self.now;
                    self.replicas[index].wakes_at.take_if(|at| *at <= now);
                }
            }
            Event::Call(index, call) => self.call(index, call),
            Event::Leased(given) => self.leased(given),
            Event::Start(given, portion) => self.begin(&given, portion),
            Event::StartLast(given, portion) => {
                self.start(&given, portion.unanswered, portion.took)
            }
            Event::Patience(id) => self.lose_patience(id),
            Event::Cancel(index, id, sent) => self.cancel(index, id, sent),
            Event::Watch => self.watch(),
            Event::Act(index) => self.act(index),
            Event::Roll(index) => self.roll(index),
            Event::Drain(index, boot) => self.drain(index, boot),
            Event::Close(index, boot) => self.close(index, boot),
            Event::Leave(index, boot) => self.leave(index, boot),
            Event::Exchange(index, boot) => self.exchange(index, boot),
            Event::TakeOver(index, boot) => self.take_over(index, boot),
            Event::Report(index, report) => self.report(index, report),
            Event::Transact(index, boot, transaction) => self.transact(index, boot, transaction),
            Event::Answered(index, boot, number, reply) => {
                self.answered(index, boot, number, reply);
            }
            Event::Late(index, boot, number) => {
                if self.is_up(index, boot) {
                    self.replicas[index].is_late(number);
                }
            }
            Event::Hold(id) => self.look_at(id),
            Event::AskOn(id) => self.ask_on(id),
            Event::Renew(index, given, sent) => self.renew(index, given, sent),
            Event::RenewTransact(index, boot, renewing) => {
                self.renew_transact(index, boot, renewing);
            }
            Event::RenewAnswered(index, boot, renewing) => {
                self.renew_answered(index, boot, renewing);
            }
            Event::GoesOn(id, sent, within) => self.goes_on(id, sent, within),
        }
    }
}

impl Event {
    /// Which replica it comes to.
    fn replica(&self) -> Option<usize> {
        let index = match self {
            Event::Beat(index, _)
            | Event::Wake(index, _)
            | Event::Call(index, _)
            | Event::Report(index, _)
            | Event::Renew(index, ..)
            | Event::RenewTransact(index, ..)
            | Event::RenewAnswered(index, ..)
            | Event::Transact(index, ..)
            | Event::Answered(index, ..)
            | Event::Late(index, ..)
            | Event::Cancel(index, ..)
            | Event::Drain(index, _)
            | Event::Close(index, _)
            | Event::Leave(index, _)
            | Event::Exchange(index, _)
            | Event::TakeOver(index, _) => *index,
            Event::Arrive
            | Event::Faults
            | Event::Keep
            | Event::SetClock(_)
            | Event::Boot(_)
            | Event::Leased(_)
            | Event::Hold(_)
            | Event::AskOn(_)
            | Event::GoesOn(..)
            | Event::Start(..)
            | Event::StartLast(..)
            | Event::Patience(_)
            | Event::Watch
            | Event::Act(_)
            | Event::Roll(_) => return None,
        };
        Some(index)
    }
}
