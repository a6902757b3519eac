//! What one use is expected to cost, for limits on cost: as somebody said, or its tokens by price.

use super::choose::Wish;
use super::choose::admit::as_the_provider_names_it;
use super::snapshot::Candidate;
use super::unserved::Unserved;
use crate::domain::limit::Dimension;
use crate::domain::pool::Estimate;
use crate::domain::prices::{Provider, cost_of_estimate};
use crate::domain::time::Timestamp;

/// What one use is expected to consume. Where the account has limits on cost, its tokens are priced unless somebody says what it costs.
pub(super) fn estimate(
    candidate: &Candidate,
    wish: &Wish<'_>,
    now: Timestamp,
    unserved: &mut Unserved,
) -> Estimate {
    let (estimate, account) = (wish.need.estimate, &candidate.account);
    let mut limits = account.limits.iter();
    if !limits.any(|limit| limit.dimension == Dimension::CostMicros) {
        return estimate;
    }
    let provider = Provider {
        profile: account.account.profile,
        base_url: &account.account.endpoint.base_url,
    };
    let model = as_the_provider_names_it(candidate, wish);
    let cost = cost_of_estimate(wish.prices, provider, model, estimate, now);
    // A limit on cost that applies will ask, and its refusal says why.
    unserved.no_price = cost.as_ref().err().cloned().map(Box::new);
    Estimate {
        cost_micros: cost.ok(),
        ..estimate
    }
}
