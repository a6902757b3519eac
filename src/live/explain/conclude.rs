//! What was met, put together with what the database would answer: the keys in their order, with the one that a lease would get.

use super::foresight::Foresight;
use super::limiting::{lack, limits};
use super::objecting::{plain, refused};
use super::{Met, Standing};
use crate::domain::explanation::{Choice, KeyExplanation, KeyVerdict, LimitExplanation, Refused};
use crate::domain::ledger::budget::lack::{Because, Lack};
use crate::domain::ledger::work::Wait;
use crate::domain::name::{AccountName, KeyName};
use crate::domain::refusal::{KeyRefusal, LeaseRefusal};
use crate::live::choose::{Now, Wish};
use crate::live::snapshot::{Candidate, Lacking, PoolEntry, Run, Tier};
use crate::live::unserved::Unserved;

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
                weights: met.tier.weight,
                is_canary,
                is_asking,
                grown_percent: grown(met.candidate, pool, now),
                provider_grown: met.candidate.account.provider.grown(now.database),
            }),
            Outcome::Refused => {
                KeyVerdict::Refused(refused(met.candidate, met.over, &met.unserved, now))
            }
        };
        keys.push(key((met.tier, met.run), met.candidate, verdict, now));
        unserved.absorb(met.unserved);
    }
    pool.count_distrusted(wish.account, &mut unserved.tally);
    keys.extend(pool.distrusted.iter().map(disbelieved));
    let serves = |key: &KeyExplanation| matches!(key.verdict, KeyVerdict::Eligible(_));
    Explained {
        refusal: (!keys.iter().any(serves)).then(|| unserved.counted(now.database)),
        keys,
        limits,
    }
}

fn grown(candidate: &Candidate, pool: &PoolEntry, now: Now) -> Option<u8> {
    let ramp = pool.pool.health_policy.recovery_ramp();
    let version = candidate.version.as_ref()?;
    version.live.grown_percent(ramp, now.database)
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
    let because = Because::Short(wait);
    let account = &met.candidate.account;
    met.unserved
        .hears(account, &met.needed, because, lacks, now);
    met.unserved.refuse(because, now);
    Outcome::Refused
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

fn key(
    (tier, run): (&Tier, &Run),
    candidate: &Candidate,
    verdict: KeyVerdict,
    now: Now,
) -> KeyExplanation {
    let account = candidate.account.account.id.clone();
    let version = candidate.version.as_ref();
    KeyExplanation {
        key: Some(KeyName {
            account: account.clone(),
            key: candidate.key.id.clone(),
        }),
        account: Some(AccountName(account)),
        tier: tier.number,
        weight: run.weight,
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
