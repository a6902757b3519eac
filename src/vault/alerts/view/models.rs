//! Models of which no key of a pool can serve a lease, though some serve others: what budgets that a provider counts by model come to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{Standing, State};
use crate::domain::alerts::view::ModelOut;
use crate::domain::cooling::{UNNAMED, place_of};
use crate::domain::models::ModelRules;
use crate::domain::time::Timestamp;
use crate::live::snapshot::{PoolEntry, Run, Tier};

/// The most models of one account, and of one pool, that are looked at: those that cool down longest.
const MODELS_MAX: usize = 8;

/// Those that cool down longest come first.
pub(super) fn out(
    entry: &PoolEntry,
    standings: &HashMap<Uuid, Standing>,
    now: Timestamp,
) -> Vec<ModelOut> {
    let runs = || entry.tiers.iter().flat_map(|tier: &Tier| &tier.runs);
    let mut names: BTreeMap<Option<String>, Timestamp> = BTreeMap::new();
    for run in runs() {
        let Some(first) = run.keys.first() else {
            continue;
        };
        for (model, until) in run.account.live.cooled_models(MODELS_MAX, now) {
            for name in names_of(&model, &first.key.models) {
                let known = names.entry(name).or_insert(until);
                *known = until.max(*known);
            }
        }
    }
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|(name, until)| (Reverse(*until), name.clone()));
    names.truncate(MODELS_MAX);
    let mut out: Vec<ModelOut> = names
        .into_iter()
        .filter_map(|(model, _)| {
            let runs = runs().map(|run| serves_at(run, model.as_deref(), standings, now));
            let first = first(runs, now);
            let is_out = first.is_none_or(|at| at > now);
            is_out.then_some(ModelOut {
                model,
                serves_at: first,
            })
        })
        .collect();
    // What never comes back by itself is out the longest.
    out.sort_by_key(|out| Reverse((out.serves_at.is_none(), out.serves_at)));
    out
}

/// What leases may call a model that the provider calls so; none where they name no model.
fn names_of(model: &str, rules: &ModelRules) -> Vec<Option<String>> {
    if model == UNNAMED {
        return vec![None];
    }
    let mapped = rules.names_of(model).take(MODELS_MAX);
    mapped.map(|name| Some(name.to_owned())).collect()
}

/// When the first of these keys can serve the model: none where it never does by itself, or does not serve that model.
fn serves_at(
    run: &Run,
    model: Option<&str>,
    standings: &HashMap<Uuid, Standing>,
    now: Timestamp,
) -> Option<Timestamp> {
    let rules = &run.keys.first()?.key.models;
    if !rules.serves(model) {
        return None;
    }
    let model = model.map(|model| rules.provider_name(model));
    let account = run.account.live.cooling(model, now);
    let account = account.map_or(now, |cause| cause.until);
    let keys = run.keys.iter().map(|candidate| {
        let version = candidate.version.as_ref()?;
        let standing = standings.get(&version.version.meta.uid)?;
        let own = version.live.cooling(place_of(model), now);
        let own = own.map_or(account, |cause| account.max(cause.until));
        match standing.state {
            State::Healthy | State::Due => Some(own),
            State::Spent
            | State::Shut
            | State::Cooling
            | State::Dead
            | State::Disabled
            | State::Unusable => Some(own.max(standing.serves_at?)),
        }
    });
    first(keys, now)
}

/// The first of these times; nobody looks further once one has come.
fn first(times: impl Iterator<Item = Option<Timestamp>>, now: Timestamp) -> Option<Timestamp> {
    crate::live::serving::soonest(times.flatten(), now)
}
