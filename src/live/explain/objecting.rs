//! All that keeps one key from being leased, in the words of refusals.

use crate::domain::explanation::{Objection, Refused, What};
use crate::domain::refusal::KeyRefusal;
use crate::domain::time::Timestamp;
use crate::live::choose::Now;
use crate::live::passed_over::{First, PassedOver};
use crate::live::snapshot::Candidate;
use crate::live::unserved::Unserved;

/// What a refused lease would count a key under, and all that keeps it from serving.
pub(super) fn refused(
    candidate: &Candidate,
    over: Vec<PassedOver>,
    unserved: &Unserved,
    now: Now,
) -> Refused {
    let over = over.into_iter();
    let over = over.map(|over| objection(candidate, over, now.database));
    let limits = unserved
        .limit_hindrances()
        .map(|(hindrance, clears)| Objection {
            refusal: hindrance.refusal(),
            until: clears,
            what: What::Named(hindrance),
        });
    let mut objections: Vec<Objection> = over.chain(limits).collect();
    let tally = &unserved.tally;
    let refusal = tally.foremost().unwrap_or(KeyRefusal::NoVersion);
    // Not of this call's doing, such as a pinned account.
    if objections.is_empty() {
        objections.push(plain(refusal, tally.retry()));
    }
    Refused {
        refusal,
        retry: tally.retry(),
        objections,
    }
}

pub(super) const fn plain(refusal: KeyRefusal, until: Option<Timestamp>) -> Objection {
    Objection {
        refusal,
        until,
        what: What::Plain,
    }
}

fn objection(candidate: &Candidate, over: PassedOver, now: Timestamp) -> Objection {
    let (refusal, until) = (over.refusal, over.until);
    let what = what(candidate, over, now);
    Objection {
        refusal,
        until,
        what,
    }
}

fn what(candidate: &Candidate, over: PassedOver, now: Timestamp) -> What {
    let version = candidate.version.as_ref();
    if over.refusal == KeyRefusal::Undecryptable {
        let endpoint = &candidate.account.account.endpoint;
        let hosts = version.map(|version| &version.version.sealed_hosts);
        return match hosts.filter(|hosts| !endpoint.is_sealed_by(hosts)) {
            Some(hosts) => What::SealedElsewhere {
                hosts: hosts.clone(),
                base_url: endpoint.base_url.clone(),
            },
            None => {
                let missing = version.and_then(|version| version.missing_key);
                missing.map_or(What::Plain, |key| What::MasterKeyMissing(key.to_string()))
            }
        };
    }
    if over.refusal == KeyRefusal::Dead
        && let Some(cause) = version.and_then(|version| version.live.health(now).cause().cloned())
        && cause.until <= now
    {
        return What::CanaryOut(cause);
    }
    let named = First::of(candidate, over).hindrance(now);
    named.map_or(What::Plain, What::Named)
}
