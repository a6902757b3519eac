//! What happens, and to whom.

use super::*;

pub(super) enum Event {
    Arrive,
    Faults,
    Keep,
    /// The database's clock is set by so much.
    SetClock(i64),
    /// A replica looks whether it has something to say.
    Tick(usize, Uuid),
    Beat(usize, Uuid),
    Boot(usize),
    /// Those who wait may try again.
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
    Transact(usize, Uuid, u32, Vec<Work>, BootTime),
    Answered(usize, Uuid, Vec<Work>, Option<Answers>, BootTime),
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
        // What comes to a replica that is stopped, comes when it goes on.
        if let Some(until) = self.stopped(&event) {
            let delay = until - self.now;
            self.after(delay, event);
            return;
        }
        match event {
            Event::Arrive => self.arrive(),
            Event::Faults => self.faults(),
            Event::Keep => self.keep(),
            Event::SetClock(by) => self.database.clock.step(by),
            Event::Tick(index, boot) => self.tick(index, boot),
            Event::Beat(index, boot) => self.beat(index, boot),
            Event::Boot(index) => {
                self.replicas[index] = self.boot();
                self.set_out(index);
            }
            Event::Wake(index, boot) => self.wake_in_time(index, boot),
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
            Event::Transact(index, boot, server, works, sent) => {
                self.transact(index, boot, server, works, sent);
            }
            Event::Answered(index, boot, works, answers, sent) => {
                self.answered(index, boot, &works, answers, sent);
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

    /// An earlier wake has made the others void.
    fn wake_in_time(&mut self, index: usize, boot: Uuid) {
        if self.is_up(index, boot) && self.replicas[index].is_woken(self.now) {
            self.wake(index);
        }
    }

    /// Until when whoever it comes to is stopped.
    pub(super) fn stopped(&self, event: &Event) -> Option<Time> {
        let index = match event {
            Event::Tick(index, _)
            | Event::Beat(index, _)
            | Event::Wake(index, _)
            | Event::Call(index, _)
            | Event::Report(index, _)
            | Event::Renew(index, ..)
            | Event::RenewTransact(index, ..)
            | Event::RenewAnswered(index, ..)
            | Event::Transact(index, ..)
            | Event::Answered(index, ..)
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
        let until = self.replicas[index].paused_until;
        (self.now < until).then_some(until)
    }
}
