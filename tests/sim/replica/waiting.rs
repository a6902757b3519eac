//! Calls in line. Who of them was woken is known without asking each: there can be hundreds, and something happens all the time.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Wake, Waker};

use super::*;
use crate::database::ready;

/// Those who wait, by their tickets.
#[derive(Default)]
pub(super) struct InLine {
    waiting: BTreeMap<Ticket, Box<Waits>>,
    /// When each has waited long enough.
    untils: BTreeSet<(BootTime, Ticket)>,
    woken: Arc<Mutex<BTreeSet<Ticket>>>,
}

struct Waits {
    trying: Trying,
    until: BootTime,
    /// Ends when it is woken. None where that has been heard already.
    woken: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

/// Notes who is woken.
struct Bell {
    ticket: Ticket,
    woken: Arc<Mutex<BTreeSet<Ticket>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().insert(self.ticket);
    }
}

impl InLine {
    /// Who has a place in line waits until it is woken, or until then.
    pub(super) fn wait(&mut self, trying: Trying, until: BootTime) {
        let place = trying.place.as_ref().unwrap();
        let (ticket, mut woken) = (place.ticket(), Box::pin(place.woken()));
        let bell = Arc::new(Bell {
            ticket,
            woken: Arc::clone(&self.woken),
        });
        let waker = Waker::from(Arc::clone(&bell));
        let is_woken = woken.as_mut().poll(&mut Context::from_waker(&waker));
        if is_woken.is_ready() {
            bell.wake();
        }
        let waits = Waits {
            trying,
            until,
            woken: is_woken.is_pending().then_some(woken),
        };
        self.untils.insert((until, ticket));
        self.waiting.insert(ticket, Box::new(waits));
    }

    /// The first from this ticket on that was woken, or has waited long enough.
    pub(super) fn due(&self, from: Ticket, now: BootTime) -> Option<Ticket> {
        let woken = self.woken.lock().unwrap();
        let late = self.untils.range(..=(now, Ticket::MAX));
        let late = late
            .map(|(_, ticket)| ticket)
            .filter(|ticket| **ticket >= from);
        woken
            .range(from..)
            .next()
            .into_iter()
            .chain(late)
            .min()
            .copied()
    }

    /// It waits no more.
    pub(super) fn take(&mut self, ticket: Ticket) -> Trying {
        let waits = self.waiting.remove(&ticket).unwrap();
        self.untils.remove(&(waits.until, ticket));
        let is_woken = self.woken.lock().unwrap().remove(&ticket);
        if let Some(woken) = waits.woken.filter(|_| is_woken) {
            ready(woken);
        }
        waits.trying
    }

    /// The ticket of one of them.
    pub(super) fn find(&self, is_it: impl Fn(&Trying) -> bool) -> Option<Ticket> {
        let mut waiting = self.waiting.iter();
        let found = waiting.find(|(_, waits)| is_it(&waits.trying));
        found.map(|(ticket, _)| *ticket)
    }

    /// When the first has waited long enough.
    pub(super) fn until(&self) -> Option<BootTime> {
        self.untils.first().map(|(until, _)| *until)
    }
}
