//! Judges one key of a pool, for whoever leases and for whoever only wants to know.

use std::sync::Arc;
use std::time::Duration;

use super::admit::{admit, ailing, as_the_provider_names_it, resting};
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
    /// How long the lease may last.
    pub(in crate::live) lasts: Duration,
    /// The single lease that decides over a dead version.
    pub(in crate::live) is_canary: bool,
    /// The single lease that finds out whether its provider is well.
    pub(in crate::live) is_trial: bool,
    /// Finds out whether its account cools down as one caller alone says.
    pub(in crate::live) is_try: bool,
    /// The same of what the key itself, or a model of it, cools down from.
    pub(in crate::live) is_try_of_key: bool,
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
        let rests = resting(candidate, wish, now).into_iter();
        return Err(rests.fold(over, PassedOver::later));
    }
    let is_canary = matches!(admission, Admission::Canary(_) | Admission::Due);
    let asked = wish.need.lease_duration;
    Ok(Fit {
        lasts: match admission {
            Admission::Canary(lasts) => lasts.min(asked),
            Admission::Normal
            | Admission::Due
            | Admission::Awaited(_)
            | Admission::Cooling(_)
            | Admission::Dead(_) => asked,
        },
        version,
        model: as_the_provider_names_it(candidate, wish),
        uses: if is_canary { 1 } else { wish.need.uses },
        is_canary,
        is_trial: false,
        is_try: false,
        is_try_of_key: false,
    })
}
