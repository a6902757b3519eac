//! What one use is expected to cost, for limits on cost: as somebody said, or its tokens by price.

use super::choose::Wish;
use super::snapshot::Candidate;
use crate::domain::limit::Dimension;
use crate::domain::pool::Estimate;
use crate::domain::prices::{NoPrice, Provider, cost_of_estimate};
use crate::domain::time::Timestamp;

/// What one use is expected to consume. Where the account has limits on cost, its tokens are priced unless somebody says what it costs;
/// a limit on cost that applies asks why nobody knows.
pub(super) fn estimate(
    candidate: &Candidate,
    wish: &Wish<'_>,
    model: Option<&str>,
    now: Timestamp,
) -> (Estimate, Option<Box<NoPrice>>) {
    let (estimate, account) = (wish.need.estimate, &candidate.account);
    let mut limits = account.limits.iter();
    if !limits.any(|limit| limit.dimension == Dimension::CostMicros) {
        return (estimate, None);
    }
    let provider = Provider {
        profile: account.account.profile,
        base_url: &account.account.endpoint.base_url,
    };
    let cost = cost_of_estimate(wish.prices, provider, model, estimate, now);
    let no_price = cost.as_ref().err().cloned().map(Box::new);
    let cost_micros = cost.ok();
    let estimate = Estimate {
        cost_micros,
        ..estimate
    };
    (estimate, no_price)
}
