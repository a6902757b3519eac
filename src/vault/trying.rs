//! One try of a call for a lease, and what follows where nothing serves it: it stands in line, and the database is asked.

use super::lease_key::LeaseKey;
use super::patience::patience;
use super::wishing::wish;
use crate::domain::claims::RetryClaims;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::BootTime;
use crate::live::Live;
use crate::live::choose::{Chosen, Now, choose};
use crate::live::line::Waiting;
use crate::live::snapshot::PoolEntry;

/// What became of a try.
#[derive(Debug)]
pub enum Tried {
    /// It is served.
    Served(Chosen),
    /// It has come to stand in line, and is to try once more at once: what it waits for may have come meanwhile.
    Again,
    /// It waits until it is woken, or until then.
    Waits(BootTime),
}

/// Tries to serve a call from a pool. Whoever drops `waiting` takes the call out of line.
///
/// # Errors
/// Why it is not served, and when it could be.
pub fn attempt(
    live: &Live,
    pool: &PoolEntry,
    (call, avoided): (&LeaseKey, &RetryClaims),
    waiting: &mut Option<Waiting>,
    now: Now,
) -> Result<Tried, LeaseRefusal> {
    let ticket = waiting.as_ref().map(Waiting::ticket);
    let wish = wish(pool, call, avoided, ticket, live);
    let unserved = match choose(pool, &wish, now) {
        Ok(chosen) => return Ok(Tried::Served(chosen)),
        Err(unserved) => unserved,
    };
    let Some(until) = patience(call, &unserved, now)? else {
        return Err(unserved.refusal(&wish, now));
    };
    if waiting.is_none() {
        *waiting = live.line.join(&pool.live, !call.max_wait.is_zero());
    }
    let place = waiting.as_mut().ok_or(LeaseRefusal::QueueFull)?;
    let is_new = place.stand(&unserved.short);
    place.step_aside(|account| unserved.is_past(pool, account));
    live.ledger.ask(&unserved.short);
    Ok(match is_new || ticket.is_none() {
        true => Tried::Again,
        false => Tried::Waits(until),
    })
}
