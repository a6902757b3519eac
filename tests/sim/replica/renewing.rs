//! What a replica makes of a lease that goes on.

use keylease::domain::ledger::block::Draw;
use keylease::domain::ledger::held::Renewed;
use keylease::domain::ledger::holds::renewed_number;
use keylease::domain::ledger::renewal::{Renewal, goes_on_for};
use keylease::domain::prolonged::Prolonged;
use keylease::live::renew::Renewing;

use super::*;
use crate::database::Database;

impl Replica {
    /// A limit that a lease has drawn from may be newer than what is known here.
    pub(crate) fn know_limits_of(&mut self, claims: &LeaseClaims, database: &Database) {
        let is_known = |uid: &Uuid| self.limits.iter().any(|limit| limit.uid == *uid);
        if !claims.draws.iter().all(|(uid, _)| is_known(uid)) {
            self.reconfigure(&database.limits());
        }
    }

    /// A lease that is to go on for so long, by a call that came then.
    pub(crate) fn renewing(&self, given: &Given, wanted: Duration, came: BootTime) -> Renewing {
        let (issuer, serial) = (given.issuer, given.serial);
        let (claims, now) = (&given.claims, self.live.clock.at(came));
        let left = match self.bug {
            Some(Bug::RenewedForLess) => Duration::ZERO,
            _ => claims.ends().since(now),
        };
        let report_within = goes_on_for(wanted, [self.lease_duration], left).unwrap();
        let news = Prolonged {
            serial,
            report_within,
            claims: LeaseClaims::clone(claims),
        };
        Renewing {
            issuer,
            serial,
            version: claims.version_uid,
            model: claims.model.clone(),
            canary: None,
            trial: None,
            holdings: self.holdings(claims, serial),
            report_within,
            until: now.after(report_within),
            news: (issuer != self.boot_id).then(|| news.encode()),
        }
    }

    /// What a lease holds of limits whose permits are held.
    fn holdings(&self, claims: &LeaseClaims, serial: u64) -> Vec<Renewal> {
        let is_held = |uid: Uuid| {
            let limit = self.limits.iter().find(|limit| limit.uid == uid);
            limit.is_some_and(|limit| limit.span.is_held())
        };
        let drawn = claims.draws.iter().enumerate();
        let held = drawn.filter(|(_, (limit, _))| is_held(*limit));
        let granted = u64::from(claims.granted);
        held.map(|(index, (limit, draw))| Renewal {
            limit: *limit,
            draw: *draw,
            number: renewed_number(serial, index),
            units: draw.units * granted,
            granted,
        })
        .collect()
    }

    /// A lease of this replica has a charge of its own from now on. False if it holds nothing any more.
    pub(crate) fn goes_on(&mut self, news: &Prolonged, time: Time) -> bool {
        let (now, claims) = (self.clock.at(time), &news.claims);
        let (serial, report_within) = (news.serial, news.report_within);
        let until = now.after(report_within);
        self.reports.prolong(serial, until);
        let left = self.left(claims, serial, until);
        let is_void = self.bug == Some(Bug::NewsTooLate) && !self.holds(&claims.draws);
        let left = if is_void { 0 } else { left };
        let renewed = |holding: Renewal| {
            let renewed = Renewed {
                draw: holding.draw,
                number: holding.number,
                units: holding.units,
                left: holding.draw.units * left,
                report_within,
                now,
            };
            (holding.limit, renewed)
        };
        let holdings = self.holdings(claims, serial).into_iter();
        let renewed: Vec<_> = holdings.map(renewed).collect();
        let goes_on = self.account.with_budget(|b| b.renewed(&renewed));
        self.note();
        goes_on
    }

    pub(super) fn holds(&self, draws: &[(Uuid, Draw)]) -> bool {
        self.account.with_budget_quietly(|b| b.holds(draws))
    }
}
