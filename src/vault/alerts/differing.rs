//! Limits that are configured otherwise than their provider states: read now and then, since there may be many statements.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::domain::alerts::view::LimitFact;
use crate::vault::list_learned_limits::LearnedView;
use crate::vault::{Result, Vault};

/// How old what is known of them may be.
const READ_EVERY: Duration = Duration::from_mins(1);

/// What is known of them.
#[derive(Debug, Default)]
pub struct Differing(Mutex<Option<(Instant, Vec<LimitFact>)>>);

impl Vault {
    /// Those limits, as they were a while ago at most.
    pub(super) async fn known_differing(&self, known: &Differing) -> Result<Vec<LimitFact>> {
        if let Some((read, facts)) = &*known.0.lock()
            && read.elapsed() < READ_EVERY
        {
            return Ok(facts.clone());
        }
        let views = self.differing_limits().await?;
        let facts: Vec<_> = views.into_iter().filter_map(fact).collect();
        *known.0.lock() = Some((Instant::now(), facts.clone()));
        Ok(facts)
    }
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
