//! What was met, put together with what the database would answer: the keys in their order, with the one that a lease would get.

use std::collections::HashSet;
use std::time::Duration;

use uuid::Uuid;

use super::foresight::{Foreseen, Foresight};
use super::{Met, Standing};
use crate::domain::explanation::{
    Choice, KeyExplanation, KeyVerdict, LimitExplanation, Objection, Refused, What,
};
use crate::domain::ledger::budget::Take;
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::ledger::budget::look::Look;
use crate::domain::ledger::work::Wait;
use crate::domain::limit::Mode;
use crate::domain::name::{AccountName, KeyName, LimitName, OwnerName};
use crate::domain::refusal::{KeyRefusal, LeaseRefusal};
use crate::domain::time::Timestamp;
use crate::live::choose::{Now, Wish};
use crate::live::passed_over::{First, PassedOver};
use crate::live::snapshot::{Candidate, Lacking, PoolEntry};
use crate::live::unserved::{Unserved, limit_hindrance};

/// When a database that does not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// A choice, explained.
#[derive(Debug, Default)]
pub struct Explained {
    /// Why no key serves; `None` if one does.
    pub refusal: Option<LeaseRefusal>,
    /// Every key.
    pub keys: Vec<KeyExplanation>,
    /// Every limit.
    pub limits: Vec<LimitExplanation>,
}

/// Whether a key serves, once the database has been asked.
enum Outcome {
    Serves { is_canary: bool, is_asking: bool },
    Refused,
}

pub(super) fn conclude(
    pool: &PoolEntry,
    wish: &Wish<'_>,
    now: Now,
    mut met: Vec<Met<'_>>,
    foresight: &Foresight,
) -> Explained {
    let limits = limits(&met, foresight, now);
    let outcomes: Vec<_> = met
        .iter_mut()
        .map(|met| settle(met, foresight, now))
        .collect();
    let ranks = ranks(&met, &outcomes);
    let mut unserved = Unserved::default();
    let mut keys = Vec::with_capacity(met.len());
    for ((met, outcome), rank) in met.into_iter().zip(outcomes).zip(ranks) {
        let verdict = match outcome {
            Outcome::Serves {
                is_canary,
                is_asking,
            } => KeyVerdict::Eligible(Choice {
                rank,
                is_first: met.is_first,
                weights: met.tier.cumulative.last().copied().unwrap_or(0),
                is_canary,
                is_asking,
            }),
            Outcome::Refused => {
                KeyVerdict::Refused(refused(met.candidate, met.over, &met.unserved, now))
            }
        };
        keys.push(key(met.tier.number, met.candidate, verdict, now));
        unserved.absorb(met.unserved);
    }
    pool.count_distrusted(wish.account, &mut unserved.tally);
    keys.extend(pool.distrusted.iter().map(disbelieved));
    let serves = |key: &KeyExplanation| matches!(key.verdict, KeyVerdict::Eligible(_));
    Explained {
        refusal: (!keys.iter().any(serves)).then(|| unserved.refusal(now.database)),
        keys,
        limits,
    }
}

/// A key that lacks permits here serves if the database has them.
fn settle(met: &mut Met<'_>, foresight: &Foresight, now: Now) -> Outcome {
    let is_canary = match met.standing {
        Standing::Refused => return Outcome::Refused,
        Standing::Fits { is_canary } => {
            return Outcome::Serves {
                is_canary,
                is_asking: false,
            };
        }
        Standing::Short { is_canary } => is_canary,
    };
    let lacks: Vec<Lack> = met
        .looks
        .iter()
        .filter_map(|look| lack(look, foresight, now))
        .collect();
    let waits = lacks.iter().filter_map(|lack| match lack.because {
        Because::Short(wait) => Some(wait),
        Because::TooLarge | Because::ModelRequired | Because::CostRequired => None,
    });
    let Some(wait) = waits.reduce(Wait::and) else {
        return Outcome::Serves {
            is_canary,
            is_asking: true,
        };
    };
    for lack in lacks {
        met.unserved.lacks(&met.candidate.account, lack, now);
    }
    met.unserved.refuse(met.candidate, &Take::Short(wait), now);
    Outcome::Refused
}

/// Why a limit says no, once the database has been asked where that is worth it now.
fn lack(look: &Look, foresight: &Foresight, now: Now) -> Option<Lack> {
    let mut lack = look.clone().lack()?;
    let Because::Short(wait) = lack.because else {
        return Some(lack);
    };
    if wait.ask_at > now.boot {
        return Some(lack);
    }
    let wait = match foresight.of(look.limit.uid, look.needed) {
        Some(Foreseen {
            is_granted: true, ..
        }) => return None,
        Some(foreseen) => foreseen.wait,
        // What a lease does that has heard nothing: it serves from the slot, if there is anything left in it.
        None if look.offline >= look.needed => return None,
        None => Wait {
            is_unreachable: true,
            clears_at: wait.clears_at.max(now.boot.after(ASK_AGAIN)),
            ..wait
        },
    };
    lack.because = Because::Short(wait);
    Some(lack)
}

/// The places of those that serve: tier by tier, and in a tier first whoever has permits at hand. 0 for the others.
fn ranks(met: &[Met<'_>], outcomes: &[Outcome]) -> Vec<u32> {
    let mut places: Vec<usize> = (0..met.len()).collect();
    let asks = |place: &usize| {
        matches!(
            outcomes[*place],
            Outcome::Serves {
                is_asking: true,
                ..
            }
        )
    };
    places.sort_by_key(|place| (met[*place].tier.number, asks(place), *place));
    let mut ranks = vec![0; met.len()];
    let serving = places
        .into_iter()
        .filter(|place| matches!(outcomes[*place], Outcome::Serves { .. }));
    for (rank, place) in (1..).zip(serving) {
        ranks[place] = rank;
    }
    ranks
}

fn key(tier: u32, candidate: &Candidate, verdict: KeyVerdict, now: Now) -> KeyExplanation {
    let account = candidate.account.account.id.clone();
    let version = candidate.version.as_ref();
    KeyExplanation {
        key: Some(KeyName {
            account: account.clone(),
            key: candidate.key.id.clone(),
        }),
        account: Some(AccountName(account)),
        tier,
        weight: candidate.weight,
        version: version.map(|version| version.version.number),
        recent: version.map_or(0, |version| version.live.recent(now.database)),
        verdict,
    }
}

/// A key, or a member, that is left out since its row is not believed.
fn disbelieved(lacking: &Lacking) -> KeyExplanation {
    let account = lacking.account.clone();
    let key = account.clone().zip(lacking.key.clone());
    KeyExplanation {
        key: key.map(|(account, key)| KeyName { account, key }),
        account: account.map(AccountName),
        tier: 0,
        weight: 0,
        version: None,
        recent: 0,
        verdict: KeyVerdict::Refused(Refused {
            refusal: KeyRefusal::Tampered,
            retry: None,
            objections: vec![plain(KeyRefusal::Tampered, None)],
        }),
    }
}

/// What a refused lease would count a key under, and all that keeps it from serving.
fn refused(candidate: &Candidate, over: Vec<PassedOver>, unserved: &Unserved, now: Now) -> Refused {
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

const fn plain(refusal: KeyRefusal, until: Option<Timestamp>) -> Objection {
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
            None => What::Plain,
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

/// Each limit once, however many keys draw from it.
fn limits(met: &[Met<'_>], foresight: &Foresight, now: Now) -> Vec<LimitExplanation> {
    let mut known: HashSet<(Uuid, Option<&str>, u64)> = HashSet::new();
    let mut limits = Vec::new();
    for met in met {
        for look in &met.looks {
            if known.insert((look.limit.uid, met.model, look.needed)) {
                limits.push(limit(met, look, foresight, now));
            }
        }
    }
    limits.sort_by_cached_key(|limit| (limit.name.to_string(), limit.model.clone()));
    limits
}

fn limit(met: &Met<'_>, look: &Look, foresight: &Foresight, now: Now) -> LimitExplanation {
    let account = &met.candidate.account;
    let foreseen = foresight.of(look.limit.uid, look.needed);
    let remaining = foreseen.map(|foreseen| foreseen.remaining);
    let lack = lack(look, foresight, now);
    let is_shadow = look.limit.mode == Mode::Shadow;
    LimitExplanation {
        name: LimitName {
            owner: OwnerName::Account(account.account.id.clone()),
            limit: look.limit.id.clone(),
        },
        model: met.model.map(str::to_owned),
        needed: look.needed,
        at_hand: look.at_hand,
        offline: look.limit.offline.is_some().then_some(look.offline),
        remaining,
        refusal: lack
            .map(|lack| limit_hindrance(account, lack, met.unserved.no_price.clone(), now)),
        is_over: is_shadow && remaining.is_some_and(|remaining| look.needed > remaining),
        limit: std::sync::Arc::clone(&look.limit),
    }
}
