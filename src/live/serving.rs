//! When keys can serve again, as far as this replica knows: what a caller is advised after a failure. Permits are left aside.

use super::choose::Now;
use super::snapshot::{AccountEntry, Candidate, Run, VersionEntry};
use crate::domain::claims::Avoided;
use crate::domain::cooling::place_of;
use crate::domain::disablement::{Disablement, is_disabled};
use crate::domain::time::Timestamp;
use crate::domain::vitals::Admission;

impl Run {
    /// When the first of those of its keys can serve that are meant: `now` if one can, none where waiting alone does not help. The model
    /// is as the provider names it.
    #[must_use]
    pub fn serves_at(
        &self,
        model: Option<&str>,
        now: Now,
        is_meant: impl Fn(&Candidate) -> bool,
    ) -> Option<Timestamp> {
        let rules = &self.keys.first()?.key.models;
        if !model.is_none_or(|model| rules.leads_to(model)) {
            return None;
        }
        let whole = self.account.serves_at(model, now.database)?;
        let meant = self.keys.iter().filter(|key| is_meant(key));
        // None of them serves before the account does.
        let own = soonest(meant.filter_map(|key| key.serves_at(model, now)), whole)?;
        Some(own.max(whole))
    }
}

impl AccountEntry {
    /// Whether a retry token says to avoid all its keys.
    #[must_use]
    pub fn is_avoided(&self, avoided: &[Avoided]) -> bool {
        avoided.contains(&Avoided::Account(self.account.meta.uid))
    }

    fn serves_at(&self, model: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        if self.has_unread_limit {
            return None;
        }
        let cooling = self.live.cooling(model, now);
        let at = enabled_at(self.account.disablement.as_ref(), now)?;
        let at = self.provider.opens(now).map_or(at, |opens| at.max(opens));
        Some(cooling.map_or(at, |cause| at.max(cause.until)))
    }
}

impl Candidate {
    /// Whether a retry token says to avoid it.
    #[must_use]
    pub fn is_avoided(&self, avoided: &[Avoided]) -> bool {
        let version = self.version.as_ref().map(|v| v.version.meta.uid);
        avoided.iter().any(|avoided| match avoided {
            Avoided::Version(uid) => Some(*uid) == version,
            Avoided::Account(uid) => *uid == self.account.account.meta.uid,
        })
    }

    /// By itself, whatever its account says.
    fn serves_at(&self, model: Option<&str>, now: Now) -> Option<Timestamp> {
        let able = |version: &&std::sync::Arc<VersionEntry>| version.credential.is_some();
        let version = self.version.as_ref().filter(able)?;
        let at = enabled_at(self.key.disablement.as_ref(), now.database)?;
        let cooling = version.live.cooling(place_of(model), now.database);
        let at = cooling.map_or(at, |cause| at.max(cause.until));
        Some(match version.live.admission(now) {
            Admission::Normal | Admission::Due | Admission::Canary(_) => at,
            Admission::Cooling(until) | Admission::Dead(until) | Admission::Awaited(until) => {
                at.max(until)
            }
        })
    }
}

/// The first of some times. Nobody looks further once there is one that is not after `early`.
#[must_use]
pub fn soonest(times: impl Iterator<Item = Timestamp>, early: Timestamp) -> Option<Timestamp> {
    let mut first: Option<Timestamp> = None;
    for at in times {
        first = Some(first.map_or(at, |first| first.min(at)));
        if at <= early {
            break;
        }
    }
    first
}

fn enabled_at(word: Option<&Disablement>, now: Timestamp) -> Option<Timestamp> {
    if is_disabled(word, now) {
        return word.and_then(|word| word.until);
    }
    Some(now)
}
