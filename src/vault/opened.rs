//! Lease ids, opened: what they carry, and until when the lease may be reported.

use uuid::Uuid;

use super::Vault;
use super::report_outcome::ReportRefusal;
use crate::crypto::Purpose;
use crate::domain::caller::Caller;
use crate::domain::claims::LeaseClaims;
use crate::domain::outcome::{self, Start};
use crate::domain::time::{BootTime, Timestamp};
use crate::live::clock::boot_now;
use crate::live::reports::Claimed;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, lease_renewals};

/// An opened lease id.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// The boot of the replica that gave it.
    pub(super) issuer: Uuid,
    /// Its number there.
    pub(super) serial: u64,
    /// What it carries.
    pub(super) claims: LeaseClaims,
    /// When a report comes too late, renewals included.
    pub(super) ends: Timestamp,
    /// Until when it goes on by this replica's clock, if it is known to have been renewed.
    pub(super) renewed: Option<BootTime>,
}

impl Opened {
    /// A report on it that came now: how many uses it is about, and when they started.
    pub(super) fn claimed(
        &self,
        sequence: u32,
        is_final: bool,
        outcomes: impl Iterator<Item = (u32, Start)> + Clone,
    ) -> Claimed {
        let starts = outcomes.clone().map(|(_, start)| start);
        Claimed {
            caller: self.claims.caller_uid,
            serial: self.serial,
            sequence,
            uses: outcomes
                .map(|(count, _)| count)
                .fold(0, u32::saturating_add),
            granted: self.claims.granted,
            is_final,
            ending: outcome::ending(starts, self.claims.received, boot_now()),
            lasts: self.claims.report_within,
            renewed: self.renewed,
        }
    }
}

impl Vault {
    /// With its last report a lease of this replica is out no more. False where its caller was given it again and may have it still. Only
    /// one that was asked for by request id can have been, and of those alone nobody says when they came.
    pub(super) fn end(&self, lease: &Opened) -> bool {
        let claims = &lease.claims;
        let is_over =
            claims.received.is_some() || self.replayed.end(claims.caller_uid, lease.serial);
        if let Some(version) = self.live.glance().versions.get(&claims.version_uid)
            && is_over
        {
            version.live.back(lease.ends);
        }
        is_over
    }

    /// Whether what a lease alone has the right to can go to another: not while its caller, who was given it again, may use it still.
    pub(super) fn may_give_back(&self, lease: &Opened) -> bool {
        let is_doubted =
            || lease.claims.received.is_none() && self.replayed.is_doubted(lease.serial);
        lease.issuer == self.live.boot_id && !is_doubted()
    }

    /// Whether all of a lease has been reported, as far as is known here, and none of that is in doubt.
    pub(super) fn is_finished(&self, issuer: Uuid, serial: u64) -> bool {
        let is_doubted = || issuer == self.live.boot_id && self.replayed.is_doubted(serial);
        self.live.reports_of(issuer).is_done(serial) && !is_doubted()
    }

    /// Opens a lease id that this caller may report on now. Where the id says that the lease has ended, the database is asked whether
    /// it was renewed.
    pub(super) async fn open_lease(
        &self,
        caller: &Caller,
        lease_id: &str,
        now: Timestamp,
    ) -> Result<Opened, ReportRefusal> {
        let opened = self.ids.open(Purpose::Lease, lease_id);
        let opened = opened.map_err(|_| ReportRefusal::LeaseIdInvalid)?;
        let claims = LeaseClaims::decode(&opened.plaintext);
        let claims = claims.map_err(|_| ReportRefusal::LeaseIdInvalid)?;
        if claims.caller_uid != caller.meta.uid {
            return Err(ReportRefusal::LeaseForeign);
        }
        let mut lease = self.opened(opened.boot_id, opened.serial, claims);
        if now > lease.ends {
            let renewed = self.renewed_until(&lease).await;
            let renewed = renewed.map_err(|_| ReportRefusal::DatabaseUnreachable)?;
            if let Some(until) = renewed {
                lease.ends = lease.ends.max(until);
                lease.renewed = lease.renewed.max(Some(boot_now().after(until.since(now))));
            }
            if now > lease.ends {
                return Err(ReportRefusal::LeaseExpired { at: lease.ends });
            }
        }
        Ok(lease)
    }

    /// As far as this replica knows.
    pub(super) fn opened(&self, issuer: Uuid, serial: u64, claims: LeaseClaims) -> Opened {
        let renewed = self.live.renewals.until(issuer, serial);
        Opened {
            issuer,
            serial,
            ends: renewed.map_or(claims.ends(), |until| until.database.max(claims.ends())),
            renewed: renewed.map(|until| until.boot),
            claims,
        }
    }

    async fn renewed_until(&self, lease: &Opened) -> store::Result<Option<Timestamp>> {
        let found = async {
            let mut conn = acquire(&self.pool).await?;
            lease_renewals::find(&mut conn, lease.issuer, lease.serial).await
        };
        in_time(ANSWER_WITHIN, found).await
    }
}
