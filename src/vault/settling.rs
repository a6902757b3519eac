//! What a report does to the permits of its lease, and to the sums of what was spent.

use uuid::Uuid;

use super::blaming::counted;
use super::report_outcome::ReportOutcome;
use super::{Vault, opened::Opened};
use crate::domain::claims::LeaseClaims;
use crate::domain::forwarded::Forwarded;
use crate::domain::judged::Judged;
use crate::domain::ledger::block::{Draw, Ending};
use crate::domain::ledger::settle::Lease;

impl Vault {
    /// Settles the permits: here if this replica gave the lease, else at the one that did.
    pub(super) fn settle(
        &self,
        lease: &Opened,
        report: &ReportOutcome,
        outcomes: &[Judged],
        ending: Option<Ending>,
    ) {
        if lease.issuer == self.live.boot_id {
            self.settle_own(lease, false, outcomes, ending);
            return;
        }
        let forwarded = Forwarded {
            serial: lease.serial,
            sequence: report.sequence,
            is_final: report.is_final,
            claims: lease.claims.clone(),
            outcomes: outcomes.to_vec(),
        };
        self.live.outbox.send(lease.issuer, forwarded.encode());
    }

    /// Gives back what was not used, unless nobody knows that any more, charges what was used beyond the estimate, and counts what was
    /// spent and what came of it: once, whatever other replicas heard the same.
    pub(super) fn settle_own(
        &self,
        lease: &Opened,
        came_elsewhere: bool,
        outcomes: &[Judged],
        ending: Option<Ending>,
    ) {
        let (claims, replayed) = (&lease.claims, &self.replayed);
        if replayed.doubts(claims.caller_uid, lease.serial, came_elsewhere, outcomes) {
            self.charge_overuse(claims, outcomes);
            return;
        }
        let is_over = ending.is_some() && self.end(lease);
        // Of what is in doubt nobody knows when it started.
        let ending = ending.map(|ending| Ending {
            is_sure: ending.is_sure && is_over,
            ..ending
        });
        self.settle_draws(claims, (&claims.draws, true), outcomes, ending);
    }

    /// The same where nothing may be given back: no block of this replica is concerned.
    pub(super) fn charge_overuse(&self, claims: &LeaseClaims, outcomes: &[Judged]) {
        let draws = claims.draws.iter();
        let draws: Vec<_> = draws.map(|(uid, draw)| (*uid, draw.elsewhere())).collect();
        self.settle_draws(claims, (&draws, false), outcomes, None);
    }

    fn settle_draws(
        &self,
        claims: &LeaseClaims,
        (draws, gives_back): (&[(Uuid, Draw)], bool),
        outcomes: &[Judged],
        ending: Option<Ending>,
    ) {
        self.record_spend(claims, outcomes);
        let snapshot = self.live.snapshot();
        if let Some(pool) = snapshot.pools_by_uid.get(&claims.pool_uid) {
            let each = outcomes.iter();
            each.for_each(|outcome| pool.live.count(outcome.count, counted(outcome)));
        }
        let Some(account) = snapshot.accounts.get(&claims.account_uid) else {
            return;
        };
        let lease = Lease {
            draws,
            model: (!claims.model.is_empty()).then_some(claims.model.as_str()),
            granted: u64::from(claims.granted),
        };
        let parts: Vec<_> = outcomes.iter().map(Judged::part).collect();
        account.answered(claims, &parts, !gives_back, self.live.now().database);
        account
            .live
            .with_budget(|budget| budget.settle(lease, &parts, ending));
        self.live.ledger.note(std::slice::from_ref(&account.live));
    }
}
