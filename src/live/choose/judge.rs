//! Judges one key of a pool, for whoever leases and for whoever only wants to know.

use std::sync::Arc;

use super::admit::{admit, ailing};
use super::{Now, Wish};
use crate::domain::ledger::budget::Need;
use crate::domain::vitals::Admission;
use crate::live::needing::{need, pass_over};
use crate::live::snapshot::{Candidate, VersionEntry};
use crate::live::unserved::Unserved;
use crate::live::version::VersionLive;

/// A key that may serve a call, permits aside.
#[derive(Debug)]
pub(in crate::live) struct Fit<'a> {
    pub(in crate::live) version: &'a Arc<VersionEntry>,
    /// What the call needs of the limits of its account.
    pub(in crate::live) need: Need<'a>,
    /// The single lease that decides over a dead version.
    pub(in crate::live) is_canary: bool,
}

/// Judges a key by everything but its permits. `admission` asks its version: whoever leases takes the canary by that, and whoever only
/// looks does not. Why the key is passed over, if it is, is told to `unserved`.
pub(in crate::live) fn judge<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'a>,
    now: Now,
    unserved: &mut Unserved,
    admission: impl FnOnce(&VersionLive) -> Admission,
) -> Option<Fit<'a>> {
    let version = match admit(candidate, wish, now) {
        Ok(version) => version,
        Err(over) => {
            pass_over(candidate, wish, now, over, unserved);
            return None;
        }
    };
    let need = need(candidate, wish, now.database, unserved);
    let admission = admission(&version.live);
    unserved.is_canary_awaited |= matches!(admission, Admission::Awaited(_));
    if let Some(over) = ailing(admission) {
        pass_over(candidate, wish, now, over, unserved);
        return None;
    }
    let need = match admission {
        Admission::Canary(lasts) => Need {
            uses: 1,
            lease_duration: lasts.min(need.lease_duration),
            ..need
        },
        Admission::Due => Need { uses: 1, ..need },
        Admission::Normal | Admission::Awaited(_) | Admission::Cooling(_) | Admission::Dead(_) => {
            need
        }
    };
    Some(Fit {
        version,
        need,
        is_canary: matches!(admission, Admission::Canary(_) | Admission::Due),
    })
}
