//! How long a call for a lease waits.

use std::time::Duration;

use tokio::time::Instant;

use super::lease_key::LeaseKey;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::BootTime;
use crate::live::choose::Now;
use crate::live::clock::boot_now;
use crate::live::unserved::Unserved;

/// How long answers of the database are waited for where nothing is held yet: outside `max_wait`. It is the longest that a block lives
/// unless its limit says otherwise (D). Where D is less, an answer that takes longer than D is of no use and is asked for anew, within
/// the same second; where it is more, a database that takes a second for a row is not waited for by whoever would not wait.
pub(super) const COLD_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often a call looks again that waits for nothing but the end of a cooldown, which a report may bring.
const LOOK_AGAIN_EVERY: Duration = Duration::from_millis(500);

/// Until when it is worth waiting, if it is: waiting is for permits, and for what clears while the caller is still there.
///
/// # Errors
/// The call's deadline has come.
pub(super) fn patience(
    call: &LeaseKey,
    unserved: &Unserved,
    now: Now,
) -> Result<Option<BootTime>, LeaseRefusal> {
    if call.deadline.is_some_and(|deadline| deadline <= now.boot) {
        return Err(LeaseRefusal::Deadline);
    }
    let mut until = call.received.after(call.max_wait);
    if unserved.is_pending || unserved.is_canary_awaited {
        until = until.max(call.received.after(COLD_WAIT_MAX));
    }
    let Some(clears) = unserved.tally.retry().filter(|_| until > now.boot) else {
        return Ok(None);
    };
    let clears = now.boot.after(clears.since(now.database));
    if unserved.short.is_empty() && clears > until {
        return Ok(None);
    }
    // An answer that is on its way wakes. Permits may come sooner than they are due, so the database is asked in between.
    if !unserved.is_pending {
        let next = unserved.ask_at.map_or(clears, |at| at.min(clears));
        until = until.min(next.after(Duration::from_millis(1)));
    }
    // Who stands in no line is woken by nobody when what it waits for is over sooner.
    if unserved.short.is_empty() {
        until = until.min(now.boot.after(LOOK_AGAIN_EVERY));
    }
    let until = call.deadline.map_or(until, |deadline| until.min(deadline));
    Ok(Some(until))
}

/// Until when a call waits for permits at most.
pub(super) fn until(call: &LeaseKey) -> BootTime {
    let until = call.received.after(call.max_wait);
    call.deadline.map_or(until, |deadline| until.min(deadline))
}

/// The same moment on the runtime's clock.
pub(super) fn instant(at: BootTime) -> Instant {
    Instant::now() + at.since(boot_now())
}
