//! All probes of one replica: which are wanted, which it claims, how many at once, and what it says of them to the fleet.
//!
//! Everything is in batches: however many keys there are, a round is a handful of queries, and what is due is worked off in order, at a
//! bounded pace. A fleet that was away for a day finds all of it due, and no more of it at once than ever.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use self::places::Places;
use self::schedule::{Schedule, is_wanted};
use self::timing::{cooled, is_dead, next};
use super::Vault;
use super::probe::{Subject, Unprobed};
use super::telling::key_of;
use crate::domain::probe::{ProbeResult, Probed, following};
use crate::domain::time::Timestamp;
use crate::metric_names;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::probes::{Claimed, Finished, Last};
use crate::store::{self, probes};

mod places;
mod schedule;
mod suspected;
mod timing;

/// Probes of one replica at once.
const PROBES_MAX: usize = 32;
/// Probes that one round begins, spread over the second until the next.
const CLAIMS_MAX: usize = 16;
/// From one round to the next.
pub const ROUND_EVERY: Duration = Duration::from_secs(1);
/// Longer than a probe, its wait for a place and its commit take together.
const CLAIM_LASTS: Duration = Duration::from_secs(40);
/// How long a probe waits for a place at its provider before others go first.
const PLACE_WITHIN: Duration = Duration::from_secs(2);
/// Then it comes again after so long.
const PLACE_AGAIN: Duration = Duration::from_secs(10);
/// What a caller says of a key is looked at once in this time, whatever it says meanwhile.
const SUSPECT_GAP: Duration = Duration::from_mins(1);

/// All probes of one replica.
#[derive(Debug)]
pub struct Probes {
    vault: Arc<Vault>,
    schedule: tokio::sync::Mutex<Schedule>,
    done: Mutex<Vec<Finished>>,
    room: Semaphore,
    places: Places,
}

impl Probes {
    /// None yet.
    #[must_use]
    pub fn new(vault: Arc<Vault>) -> Arc<Self> {
        // From the start: a rate of what was never counted is no rate of zero.
        for (_, result) in ProbeResult::ALL {
            counter!(metric_names::PROBES, "result" => result).increment(0);
        }
        Arc::new(Self {
            vault,
            schedule: tokio::sync::Mutex::default(),
            done: Mutex::default(),
            room: Semaphore::new(PROBES_MAX),
            places: Places::default(),
        })
    }

    /// Until a key is suspected.
    pub async fn suspected(&self) {
        self.vault.live().suspects.noted().await;
    }

    /// One round: says what was found, takes up what is wanted, and begins what is due.
    ///
    /// # Errors
    /// As every query; what could not be said is said in the next round.
    pub async fn round(self: &Arc<Self>) -> store::Result<()> {
        let live = self.vault.live();
        if live.is_draining() {
            return Ok(());
        }
        self.tell().await?;
        let mut schedule = self.schedule.lock().await;
        schedule.take_up(live, &self.vault.pool).await?;
        let suspects = self.suspects(&schedule);
        if schedule.is_empty() {
            return Ok(());
        }
        let claims = self.room.available_permits().min(CLAIMS_MAX);
        let claimed = in_time(ANSWER_WITHIN, self.claim(&suspects, claims)).await;
        let claimed = claimed.inspect_err(|_| {
            // They are suspected yet.
            suspects.iter().for_each(|uid| live.suspects.note(*uid));
        })?;
        let spread = ROUND_EVERY / u32::try_from(claimed.len().max(1)).unwrap_or(1);
        for (place, claimed) in (0_u32..).zip(claimed) {
            let interval = schedule.interval(claimed.version_uid);
            let delay = if claimed.is_urgent {
                Duration::ZERO
            } else {
                spread * place
            };
            self.begin(claimed, interval, delay);
        }
        Ok(())
    }

    /// At the end: what was found is said, and what was claimed is given back.
    ///
    /// # Errors
    /// As every query; claims then end by themselves.
    pub async fn end(&self) -> store::Result<()> {
        self.tell().await?;
        let releasing = async {
            let mut conn = acquire(&self.vault.pool).await?;
            probes::release(&mut conn, self.vault.live.boot_id).await
        };
        in_time(ANSWER_WITHIN, releasing).await
    }

    async fn claim(&self, suspects: &[Uuid], claims: usize) -> store::Result<Vec<Claimed>> {
        let mut conn = acquire(&self.vault.pool).await?;
        if !suspects.is_empty() {
            probes::hasten(&mut conn, suspects, SUSPECT_GAP).await?;
        }
        if claims == 0 {
            return Ok(Vec::new());
        }
        let claims = i64::try_from(claims).unwrap_or(1);
        probes::claim(&mut conn, self.vault.live.boot_id, claims, CLAIM_LASTS).await
    }

    /// In one query, whatever was found since the last round.
    async fn tell(&self) -> store::Result<()> {
        let done = std::mem::take(&mut *self.done.lock());
        if done.is_empty() {
            return Ok(());
        }
        let telling = async {
            let mut conn = acquire(&self.vault.pool).await?;
            probes::finish(&mut conn, self.vault.live.boot_id, &done).await
        };
        let told = in_time(ANSWER_WITHIN, telling).await;
        if told.is_err() {
            // There are no more of them than probes at once, and those whose claim has ended meanwhile change nothing.
            let mut kept = self.done.lock();
            kept.extend(done);
            kept.truncate(2 * PROBES_MAX);
        }
        told
    }

    fn begin(self: &Arc<Self>, claimed: Claimed, interval: Option<Duration>, delay: Duration) {
        let probes = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_room) = probes.room.acquire().await else {
                return;
            };
            sleep(delay).await;
            let done = probes.one(claimed, interval).await;
            probes.done.lock().push(done);
        });
    }

    /// One probe, from its claim to what is said of it.
    async fn one(&self, claimed: Claimed, interval: Option<Duration>) -> Finished {
        let version = claimed.version_uid;
        let now = self.vault.live().now().database;
        let finished = |next, last| Finished {
            claimed,
            next,
            last,
        };
        let Some(interval) = interval else {
            // Nobody wants it any more, or this replica has only not looked yet.
            let is_wanted = is_wanted(&self.vault.live().snapshot(), version);
            return finished(is_wanted.then(|| now.after(PLACE_AGAIN)), None);
        };
        let skipped = finished(Some(following(version, interval, now)), None);
        let subject = match self.vault.subject(version, now) {
            Ok(subject) => subject,
            // It stays suspected, and is asked about as soon as that costs nothing: a word against it stands until then.
            Err(Unprobed::Cooling(until)) if claimed.is_urgent => {
                return finished(Some(cooled(until, interval, now)), None);
            }
            Err(_) => return skipped,
        };
        let places = self.places.of(&subject.account.account.endpoint.host());
        let waiting: Result<Result<SemaphorePermit<'_>, _>, _> =
            timeout(PLACE_WITHIN, places.acquire()).await;
        let Ok(Ok(_place)) = waiting else {
            return finished(Some(now.after(PLACE_AGAIN)), None);
        };
        let Ok(probed) = self.vault.probe(&subject).await else {
            return skipped;
        };
        let now = self.vault.live().now().database;
        if let Err(error) = self.act(claimed, &subject, &probed).await {
            tracing::warn!(%error, "what a probe found could not be committed, it is probed again");
            return finished(Some(now.after(PLACE_AGAIN)), None);
        }
        let next = next(&subject, &probed, interval, now);
        finished(Some(next), Some(last(&probed, now)))
    }

    /// Acts on news, if the claim still holds: after a pause somebody else may have found something newer.
    async fn act(&self, claimed: Claimed, subject: &Subject, probed: &Probed) -> store::Result<()> {
        let now = self.vault.live().now().database;
        let (key, version) = key_of(&subject.account, &subject.version);
        let (result, why) = (probed.result.as_str(), probed.why.as_str());
        tracing::debug!(key, version, result, why, took = ?probed.took, "a key was probed");
        let is_news = match probed.result {
            ProbeResult::Rejected | ProbeResult::Spent => true,
            // Another replica may have taken it out a moment ago, and this one not know yet.
            ProbeResult::Well => claimed.is_urgent || is_dead(subject, now),
            ProbeResult::Unclear => false,
        };
        if !is_news {
            return Ok(());
        }
        let asking = async {
            let mut conn = acquire(&self.vault.pool).await?;
            let (boot_id, uid) = (self.vault.live.boot_id, claimed.version_uid);
            probes::still_claimed(&mut conn, boot_id, uid, CLAIM_LASTS).await
        };
        if in_time(ANSWER_WITHIN, asking).await? {
            self.vault.heed(subject, probed, now).await?;
        }
        Ok(())
    }
}

/// As it is kept.
pub(super) fn last(probed: &Probed, time: Timestamp) -> Last {
    Last {
        time,
        result: probed.result,
        why: probed.why.clone(),
        took: probed.took,
    }
}
