//! What this replica says of its leases of previous versions: with that, one is revoked as soon as the last lease has ended, whoever gave
//! it. A replica that says nothing, since it was killed, is waited for as long as a lease may last.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::key::Stage;
use crate::domain::time::Timestamp;
use crate::live::clock::boot_now;
use crate::live::snapshot::VersionEntry;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, lease_renewals, version_leases};
use crate::vault::Vault;

/// Versions that are answered for in one statement.
const BATCH_MAX: i64 = 500;
/// A call that chose a version just before it was replaced has long answered by then.
const CALL_MAX: Duration = Duration::from_secs(2);

impl Vault {
    /// Says until when leases of previous versions are out, of those whose grace is over, and which of the renewed ones are not.
    ///
    /// # Errors
    /// As every query.
    pub async fn answer_drains(&self) -> store::Result<()> {
        let (boot_id, snapshot) = (self.live.boot_id, self.live.snapshot());
        if !self.live.is_fresh(boot_now()) {
            return Ok(());
        }
        let answering = async {
            let mut conn = acquire(&self.pool).await?;
            self.let_go_of_renewed(&mut conn).await?;
            let asked =
                version_leases::unanswered(&mut conn, boot_id, snapshot.rev, BATCH_MAX).await?;
            let known = asked.iter().filter_map(|uid| snapshot.versions.get(uid));
            let mut answers: Vec<_> = known.filter_map(|version| self.until(version)).collect();
            let unknown = asked.into_iter();
            let unknown = unknown.filter(|uid| !snapshot.versions.contains_key(uid));
            answers.extend(self.of_unknown(unknown.collect()));
            if answers.is_empty() {
                return Ok(());
            }
            version_leases::answer(&mut conn, boot_id, Some(snapshot.rev), &answers).await
        };
        in_time(ANSWER_WITHIN, answering).await
    }

    /// A renewed lease holds its version by a row of its own, which whoever renewed it wrote: once it is reported to its end here, or is over
    /// by what this replica knows, it does so no more.
    async fn let_go_of_renewed(&self, conn: &mut PgConnection) -> store::Result<()> {
        let (boot_id, now) = (self.live.boot_id, self.live.now());
        let mut held = lease_renewals::holding(conn, boot_id, BATCH_MAX).await?;
        held.retain(|(serial, until)| {
            let known = self.live.renewals.until(boot_id, *serial);
            let is_over = known.map_or(*until < now.database, |known| known.boot < now.boot);
            is_over || self.is_finished(boot_id, *serial)
        });
        if held.is_empty() {
            return Ok(());
        }
        let over: Vec<u64> = held.iter().map(|(serial, _)| *serial).collect();
        lease_renewals::let_go(conn, boot_id, &over).await
    }

    /// At the end: until when leases go on that this replica gave and will not hear of any more.
    ///
    /// # Errors
    /// As every query.
    pub async fn leave_leases(&self) -> store::Result<()> {
        let (snapshot, now) = (self.live.snapshot(), boot_now());
        let versions = snapshot.versions.values();
        let out = versions.filter(|version| version.live.last_out(now).is_some());
        let out: Vec<_> = out.map(|version| self.last_of(version)).collect();
        let mut conn = acquire(&self.pool).await?;
        for some in out.chunks(usize::try_from(BATCH_MAX).unwrap_or(1)) {
            version_leases::answer(&mut conn, self.live.boot_id, None, some).await?;
        }
        Ok(())
    }

    /// Of a version that is known here to be replaced, for long enough.
    fn until(&self, version: &VersionEntry) -> Option<(Uuid, Option<Timestamp>)> {
        if version.version.stage != Stage::Previous {
            return None;
        }
        let now = boot_now();
        let is_past =
            now.since(version.live.asked_since(version.version.meta.rev, now)) >= CALL_MAX;
        is_past.then(|| self.last_of(version))
    }

    fn of_unknown(&self, unknown: Vec<Uuid>) -> Vec<(Uuid, Option<Timestamp>)> {
        let now = self.live.now();
        let left = self.live.unknown.left(unknown, now.boot).into_iter();
        left.map(|(uid, left)| (uid, left.map(|left| now.database.after(left))))
            .collect()
    }

    fn last_of(&self, version: &VersionEntry) -> (Uuid, Option<Timestamp>) {
        let now = self.live.now();
        let last = version.live.last_out(now.boot);
        let until = last.map(|ends| now.database.after(ends.since(now.boot)));
        (version.version.meta.uid, until)
    }
}
