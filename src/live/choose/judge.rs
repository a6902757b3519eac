//! Judges one key of a pool, for whoever leases and for whoever only wants to know.

use std::sync::Arc;
use std::time::Duration;

use super::admit::{admit, ailing, as_the_provider_names_it};
use super::{Now, Wish};
use crate::domain::vitals::Admission;
use crate::live::passed_over::PassedOver;
use crate::live::snapshot::{Candidate, VersionEntry};
use crate::live::version::VersionLive;

/// A key that may serve a call, permits aside.
#[derive(Debug)]
pub(in crate::live) struct Fit<'a> {
    pub(in crate::live) version: &'a Arc<VersionEntry>,
    /// As the provider names it.
    pub(in crate::live) model: Option<&'a str>,
    /// How many it may serve of those that are asked for.
    pub(in crate::live) uses: u64,
    /// How long its lease may be reported at most: a canary's no longer than its right.
    pub(in crate::live) lasts_max: Option<Duration>,
    /// The single lease that decides over a dead version.
    pub(in crate::live) is_canary: bool,
}

/// Judges a key by everything but its permits. `admission` asks its version: whoever leases takes the canary by that, and whoever only
/// looks does not.
pub(in crate::live) fn judge<'a>(
    candidate: &'a Candidate,
    wish: &Wish<'a>,
    now: Now,
    admission: impl FnOnce(&VersionLive) -> Admission,
) -> Result<Fit<'a>, PassedOver> {
    let version = admit(candidate, wish, now)?;
    let admission = admission(&version.live);
    if let Some(over) = ailing(admission) {
        return Err(over);
    }
    let lasts_max = match admission {
        Admission::Canary(lasts) => Some(lasts),
        Admission::Normal
        | Admission::Due
        | Admission::Awaited(_)
        | Admission::Cooling(_)
        | Admission::Dead(_) => None,
    };
    let is_canary = lasts_max.is_some() || admission == Admission::Due;
    Ok(Fit {
        version,
        model: as_the_provider_names_it(candidate, wish),
        uses: if is_canary { 1 } else { wish.need.uses },
        lasts_max,
        is_canary,
    })
}
