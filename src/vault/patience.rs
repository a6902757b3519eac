//! How long a call for a lease waits.

use std::time::Duration;

use tokio::time::Instant;

use super::lease_key::LeaseKey;
use crate::domain::refusal::LeaseRefusal;
use crate::domain::time::{BootTime, Timestamp};
use crate::live::choose::Now;
use crate::live::clock::boot_now;
use crate::live::unserved::Unserved;

/// How long answers of the database are waited for where nothing is held yet: outside `max_wait`. It is the longest that a block lives
/// unless its limit says otherwise (D). Where D is less, an answer that takes longer than D is of no use and is asked for anew, within
/// the same second; where it is more, a database that takes a second for a row is not waited for by whoever would not wait.
pub(super) const COLD_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often a call looks again that waits in no line for the end of a cooldown, which a report may bring.
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
    let at = |clears: Timestamp| now.boot.after(clears.since(now.database));
    // Permits alone may come sooner than they are due.
    if unserved.ask_at.is_none() && at(clears) > until {
        return Ok(None);
    }
    // An answer that is on its way wakes. Permits may come sooner than they are due, so the database is asked in between; what others wait
    // for who came before need not be looked at, since they wake whoever is next.
    if !unserved.is_pending {
        let alone = unserved.look_at.map(at);
        let next = unserved.ask_at.into_iter().chain(alone).min();
        let next = next.map(|next| next.after(Duration::from_millis(1)));
        until = next.map_or(until, |next| until.min(next));
    }
    // Where no database is asked in between, and what it waits for may be over sooner, it looks by itself.
    if unserved.ask_at.is_none() && unserved.is_unwatched {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Id;
    use crate::domain::refusal::KeyRefusal;
    use crate::domain::tags::Tags;

    const NOW: Now = Now {
        boot: BootTime::from_nanos(1_000_000_000_000),
        database: Timestamp::from_micros(5_000_000_000),
    };

    fn waits(seconds: u64) -> LeaseKey {
        LeaseKey {
            pool: Id::parse("pool", "p").unwrap(),
            model: None,
            requests: 1,
            estimate: None,
            max_wait: Duration::from_secs(seconds),
            lease_duration: None,
            affinity_key: None,
            account: None,
            retry_token: None,
            tags: Tags::default(),
            request_id: None,
            received: NOW.boot,
            deadline: None,
        }
    }

    /// Something cools down for 40 s.
    fn cooling() -> Unserved {
        let mut unserved = Unserved::default();
        let clears = NOW.database.after(Duration::from_secs(40));
        unserved.tally.add(KeyRefusal::Cooling, Some(clears));
        unserved
    }

    fn until(unserved: &Unserved, seconds: u64) -> Option<Duration> {
        let until = patience(&waits(seconds), unserved, NOW).unwrap();
        until.map(|until| until.since(NOW.boot))
    }

    #[test]
    fn who_waits_in_line_for_a_rest_looks_when_it_ends_and_behind_others_not_at_all() {
        let mut first = cooling();
        first.look_at = first.tally.retry();
        let end = Duration::from_millis(40_001);
        assert_eq!(until(&first, 50), Some(end));
        assert_eq!(until(&cooling(), 50), Some(Duration::from_secs(50)));
        // What does not come in time is not waited for.
        for unserved in [first, cooling()] {
            assert_eq!(until(&unserved, 39), None);
        }
    }

    #[test]
    fn who_waits_in_no_line_looks_again_now_and_then() {
        let mut unserved = cooling();
        unserved.look_at = unserved.tally.retry();
        unserved.is_unwatched = true;
        assert_eq!(until(&unserved, 50), Some(LOOK_AGAIN_EVERY));
        // Where permits are awaited the database is asked in between.
        unserved.ask_at = Some(NOW.boot.after(Duration::from_secs(1)));
        assert_eq!(until(&unserved, 50), Some(Duration::from_millis(1_001)));
    }
}
