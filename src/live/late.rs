//! Asks that are not answered for so long that whoever waits for them is told that the database does not answer.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::account::AccountLive;
use super::ledger::Said;

/// Sooner than a call gives up that waits for nothing but the answer: else it would be told that a limit is exhausted.
pub const LATE: Duration = Duration::from_millis(800);

/// What waits for an answer.
#[derive(Debug)]
pub struct Late(Vec<(Arc<AccountLive>, Uuid)>);

impl Late {
    /// The limits of which something is asked.
    #[must_use]
    pub fn of(said: &[Said]) -> Self {
        let asked = said.iter().filter(|(_, work)| work.ask.is_some());
        let asked = asked.map(|(account, work)| (Arc::clone(account), work.limit));
        Self(asked.collect())
    }

    /// The answer has not come within [`LATE`].
    pub fn tell(&self) {
        for (account, limit) in &self.0 {
            account.with_budget_quietly(|budget| budget.late(*limit));
        }
    }
}
