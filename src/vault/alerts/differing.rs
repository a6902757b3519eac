//! Limits that are configured otherwise than their provider states: read now and then, since there may be many statements.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::domain::alerts::view::LimitFact;
use crate::domain::id::Id;
use crate::vault::list_learned_limits::LearnedView;
use crate::vault::{Result, Vault};

/// How old what is known of them may be.
const READ_EVERY: Duration = Duration::from_secs(30);

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Differing(Mutex<Option<(Instant, Vec<LimitFact>)>>);

impl Vault {
    /// Those limits, as they were a while ago at most.
    pub(super) async fn known_differing(&self, known: &Differing) -> Result<Vec<LimitFact>> {
        if let Some((read, facts)) = &*known.0.lock()
            && read.elapsed() < READ_EVERY
        {
            return Ok(facts.clone());
        }
        let views = self.differing_limits().await?;
        let facts = lowest(views.into_iter().filter_map(fact));
        *known.0.lock() = Some((Instant::now(), facts.clone()));
        Ok(facts)
    }
}

/// Of one limit the lowest statement, since models may have several.
fn lowest(facts: impl Iterator<Item = LimitFact>) -> Vec<LimitFact> {
    let mut lowest: BTreeMap<(Id, Id), LimitFact> = BTreeMap::new();
    for fact in facts {
        let name = (fact.account.clone(), fact.limit.clone());
        let known = lowest.entry(name).or_insert_with(|| fact.clone());
        if fact.stated < known.stated {
            *known = fact;
        }
    }
    lowest.into_values().collect()
}

fn fact(view: LearnedView) -> Option<LimitFact> {
    let limit = view.limit?;
    Some(LimitFact {
        account: view.account,
        limit: limit.id,
        configured: limit.amount,
        stated: view.learned.amount,
    })
}
