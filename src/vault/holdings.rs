//! What a lease that is to go on holds, by the limits that this replica knows.

use std::sync::Arc;
use std::time::Duration;

use super::Vault;
use super::renew_lease::RenewRefusal;
use crate::domain::claims::LeaseClaims;
use crate::domain::ledger::holds::renewed_number;
use crate::domain::ledger::renewal::Renewal;
use crate::domain::limit::{Limit, Mode};
use crate::domain::terms::Span;

impl Vault {
    /// A limit that its issuer has drawn from may be newer than what is known here: what is not charged now would be held beside others.
    /// One that is still unknown when all is read has been deleted.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn know_limits_of(&self, claims: &LeaseClaims) -> Result<(), RenewRefusal> {
        let is_known = {
            let snapshot = self.live.glance();
            let account = snapshot.accounts.get(&claims.account_uid);
            let has = |uid| account.is_some_and(|a| a.limits.iter().any(|l| l.uid == uid));
            claims.draws.iter().all(|(uid, _)| has(*uid))
        };
        if is_known {
            return Ok(());
        }
        let refreshed = self.refresh(i64::MAX).await;
        refreshed.map_err(|_| RenewRefusal::DatabaseUnreachable)
    }

    /// What a lease drew of limits whose permits it holds.
    pub(super) fn holdings(&self, claims: &LeaseClaims, serial: u64) -> Vec<Renewal> {
        let held = self.held_limits(claims);
        let drawn = claims.draws.iter().enumerate();
        let held = drawn.filter(|(_, (limit, _))| held.iter().any(|(l, _)| l.uid == *limit));
        let granted = u64::from(claims.granted);
        held.map(|(index, (limit, draw))| Renewal {
            limit: *limit,
            draw: *draw,
            number: renewed_number(serial, index),
            units: draw.units.saturating_mul(granted),
            granted,
        })
        .collect()
    }

    /// How long the limits let it hold permits: a shadow has no say in it.
    pub(super) fn longest(&self, claims: &LeaseClaims) -> Option<Duration> {
        let held = self.held_limits(claims).into_iter();
        let enforced = held.filter(|(limit, _)| limit.mode == Mode::Enforce);
        enforced.map(|(_, longest)| longest).min()
    }

    /// The limits of its account that a lease holds permits of, and for how long it may.
    fn held_limits(&self, claims: &LeaseClaims) -> Vec<(Arc<Limit>, Duration)> {
        let snapshot = self.live.glance();
        let account = snapshot.accounts.get(&claims.account_uid);
        let limits = account.into_iter().flat_map(|account| &account.limits);
        let held = limits.filter_map(|limit| match limit.span {
            Span::Held(longest) => Some((Arc::clone(limit), longest)),
            Span::Rolling(_) | Span::Calendar(_) => None,
        });
        held.filter(|(limit, _)| claims.draws.iter().any(|(uid, _)| *uid == limit.uid))
            .collect()
    }
}
