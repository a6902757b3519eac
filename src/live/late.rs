//! Asks that are not answered for so long that whoever waits for them is told that the database does not answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::account::AccountLive;
use crate::domain::ledger::work::Work;

/// Sooner than a call gives up that waits for nothing but the answer: else it would be told that a limit is exhausted.
const LATE: Duration = Duration::from_millis(800);

/// Waits for as long as an answer may take, then tells the limits that it is late. Ends only when dropped: with the answer.
pub(super) fn tell(
    said: &[(Arc<AccountLive>, Work)],
) -> impl Future<Output = Infallible> + Send + use<> {
    let asked = said.iter().filter(|(_, work)| work.ask.is_some());
    let asked: Vec<(Arc<AccountLive>, Uuid)> = asked
        .map(|(account, work)| (Arc::clone(account), work.limit))
        .collect();
    async move {
        tokio::time::sleep(LATE).await;
        for (account, limit) in asked {
            account.with_budget_quietly(|budget| budget.late(limit));
        }
        std::future::pending().await
    }
}
