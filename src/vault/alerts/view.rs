//! What alerts are derived from, out of the snapshot: each key is looked at once, however many pools it serves.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::alerts::view::{Fact, KeyFact, PoolFact, QuotaFact, View, notice};
use crate::domain::disablement::is_disabled;
use crate::domain::health::Health;
use crate::domain::incident::{Ongoing, Subject};
use crate::domain::key::Stage;
use crate::domain::name::KeyName;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Admission;
use crate::live::choose::Now;
use crate::live::snapshot::{AccountEntry, PoolEntry, Snapshot, Tier, VersionEntry};
use crate::vault::overdue::Intervals;

mod models;

/// Where a key stands, and when it can serve by itself; none where it never does.
#[derive(Debug, Clone, Copy)]
struct Standing {
    state: State,
    serves_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Healthy,
    Spent,
    /// Its provider fails for everybody, and nothing but a trial is leased there.
    Shut,
    Cooling,
    /// It was dead until a while ago: the next lease of it is its canary.
    Due,
    Dead,
    Disabled,
    Unusable,
}

impl Standing {
    /// A key that is well serves nothing while a limit of its account is spent.
    fn limited(self, spent_until: Option<&Timestamp>) -> Self {
        match spent_until {
            Some(until) if matches!(self.state, State::Healthy | State::Shut) => Self {
                state: State::Spent,
                serves_at: self.serves_at.max(Some(*until)),
            },
            Some(_) | None => self,
        }
    }
}

/// Looks at everything; `spent` says of accounts of which a long limit is spent when the next of it is free.
pub(super) fn of(
    snapshot: &Snapshot,
    incidents: Vec<Ongoing>,
    spent: &HashMap<Uuid, Timestamp>,
    clocks: Now,
) -> View {
    let now = clocks.database;
    let intervals = Intervals::of(snapshot);
    let braked = braked(snapshot, &incidents);
    let mut view = View {
        incidents,
        ..View::default()
    };
    let mut standings = HashMap::with_capacity(snapshot.versions.len());
    let current = snapshot.versions.values();
    for version in current.filter(|v| v.version.stage == Stage::Current) {
        let Some(account) = snapshot.accounts.get(&version.key.account_uid) else {
            continue;
        };
        let health = version.live.health(now);
        let standing = standing(account, version, &health, clocks);
        let standing = standing.limited(spent.get(&account.account.meta.uid));
        standings.insert(version.version.meta.uid, standing);
        if !is_off(account, version, now) {
            let facts = facts(account, version, &health, &intervals, now);
            view.keys.extend(facts.map(|fact| KeyFact {
                is_braked: braked.iter().any(|pool| pool.serves(version)),
                ..fact
            }));
        }
    }
    let accounts = snapshot.accounts.values();
    view.quotas = accounts.filter_map(|account| quota(account, now)).collect();
    let pools = snapshot.pools.values();
    let pools = pools.filter(|pool| !is_disabled(pool.pool.disablement.as_ref(), now));
    view.pools = pools.map(|pool| count(pool, &standings, now)).collect();
    // Secrets that do not open are told by their keys.
    let rows = snapshot.distrusted_rows.iter();
    view.rows = rows
        .filter(|(kind, _)| *kind != "version")
        .copied()
        .collect();
    view
}

/// What its provider says of the account's quotas.
fn quota(account: &AccountEntry, now: Timestamp) -> Option<QuotaFact> {
    if is_disabled(account.account.disablement.as_ref(), now) {
        return None;
    }
    let spent = account.live.quotas(now);
    let until = spent.iter().map(|(_, until)| *until).max()?;
    let is_whole = spent.iter().any(|(model, _)| model.is_empty());
    let models = spent.into_iter().map(|(model, _)| model);
    Some(QuotaFact {
        account: account.account.id.clone(),
        models: models.filter(|_| !is_whole).collect(),
        until,
    })
}

/// The pools whose keys die together.
fn braked<'a>(snapshot: &'a Snapshot, incidents: &[Ongoing]) -> Vec<&'a PoolEntry> {
    let pools = incidents.iter().filter_map(|incident| {
        let Subject::Pool(id) = &incident.subject else {
            return None;
        };
        snapshot.pools.get(id).map(AsRef::as_ref)
    });
    pools.collect()
}

fn is_off(account: &AccountEntry, version: &VersionEntry, now: Timestamp) -> bool {
    let words = [&account.account.disablement, &version.key.disablement];
    words.iter().any(|word| is_disabled(word.as_ref(), now))
}

/// What there is to tell of a key.
fn facts(
    account: &AccountEntry,
    version: &VersionEntry,
    health: &Health,
    intervals: &Intervals,
    now: Timestamp,
) -> impl Iterator<Item = KeyFact> {
    let died = Fact::died(health);
    let missing_key = version.missing_key.map(|key| key.to_string());
    let is_closed = version.credential.is_none();
    let closed = is_closed.then_some(Fact::Undecryptable { missing_key });
    let interval = intervals.in_force(&version.key, &account.account);
    let due = version.version.promote_time.map(|at| at.after(interval));
    let due = due.filter(|at| *at <= now.after(notice(interval)));
    let provider = &account.provider;
    let is_barred = provider.is_barred(version.version.meta.uid, now);
    let barred = is_barred.then_some(Fact::Barred);
    let facts = [died, barred, closed, due.map(Fact::Rotates)];
    let key = KeyName {
        account: account.account.id.clone(),
        key: version.key.id.clone(),
    };
    let number = version.version.number;
    facts.into_iter().flatten().map(move |fact| KeyFact {
        key: key.clone(),
        version: number,
        is_braked: false,
        fact,
    })
}

/// Of several reasons the one that lasts longest by its nature counts, as in a pool's status.
fn standing(
    account: &AccountEntry,
    version: &VersionEntry,
    health: &Health,
    clocks: Now,
) -> Standing {
    let now = clocks.database;
    let never = |state| Standing {
        state,
        serves_at: None,
    };
    if version.credential.is_none() || account.has_unread_limit {
        return never(State::Unusable);
    }
    let mut at = now;
    for word in [&account.account.disablement, &version.key.disablement] {
        if is_disabled(word.as_ref(), now) {
            let Some(until) = word.as_ref().and_then(|word| word.until) else {
                return never(State::Disabled);
            };
            at = at.max(until);
        }
    }
    let cooling = account.live.cooling(None, now);
    let shut = account.provider.shut(clocks);
    let state = match health {
        _ if at > now => State::Disabled,
        Health::Dead(_) if version.live.admission(clocks) != Admission::Due => State::Dead,
        Health::Cooling(_) => State::Cooling,
        Health::Active | Health::Dead(_) if cooling.is_some() => State::Cooling,
        Health::Active | Health::Dead(_) if shut.is_some() => State::Shut,
        Health::Dead(_) => State::Due,
        Health::Active => State::Healthy,
    };
    let own = health.cause().map(|cause| cause.until);
    let ends = own.into_iter().chain(cooling.map(|cause| cause.until));
    let ends = ends.chain(shut);
    Standing {
        state,
        serves_at: Some(ends.fold(at, Timestamp::max)),
    }
}

fn count(entry: &PoolEntry, standings: &HashMap<Uuid, Standing>, now: Timestamp) -> PoolFact {
    let mut fact = PoolFact {
        pool: entry.pool.id.clone(),
        keys: entry.distrusted.len(),
        healthy: 0,
        spent: 0,
        shut: 0,
        due: 0,
        dead: 0,
        cooling: 0,
        disabled: 0,
        serves_at: None,
        healthy_min: entry.pool.health_policy.healthy_keys_min,
        models_out: models::out(entry, standings, now),
    };
    for candidate in entry.tiers.iter().flat_map(Tier::keys) {
        fact.keys += 1;
        let version = candidate.version.as_ref();
        let standing = version.and_then(|v| standings.get(&v.version.meta.uid));
        let Some(standing) = standing else { continue };
        match standing.state {
            State::Healthy => fact.healthy += 1,
            State::Spent => fact.spent += 1,
            State::Shut => fact.shut += 1,
            State::Due => fact.due += 1,
            State::Dead => fact.dead += 1,
            State::Cooling => fact.cooling += 1,
            State::Disabled => fact.disabled += 1,
            State::Unusable => {}
        }
        let first = fact.serves_at.into_iter().chain(standing.serves_at).min();
        fact.serves_at = first;
    }
    fact
}
