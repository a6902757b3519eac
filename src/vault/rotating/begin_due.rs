//! Keys whose interval ends, and whose account has a rotator: their rotations begin by themselves, a bounded number a minute over the
//! fleet, so that neither a clock that was set nor a long downtime makes a storm at a provider.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::disablement::is_disabled;
use crate::domain::key::Stage;
use crate::domain::name::KeyName;
use crate::domain::rotation::begins;
use crate::domain::time::Timestamp;
use crate::live::clock::boot_now;
use crate::live::snapshot::Snapshot;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::version_retries::{self, Deed};
use crate::store::{key_versions, rotations, rotators};
use crate::vault::error::{Error, Refusal};
use crate::vault::overdue::Intervals;
use crate::vault::trust::root;
use crate::vault::{Change, Done, Result, RotateKey, Vault, Verb, Work, get_key};

/// Rotations that begin by themselves in any minute, over the fleet: a hundred thousand keys in three days.
const BEGUN_A_MINUTE_MAX: i64 = 20;
/// A rotation that came to nothing is not followed by another at once: whatever was wrong with it is wrong with the next.
const AGAIN_AFTER: Duration = Duration::from_hours(24);
/// Keys that are tried in one go: more than may begin, since some may have rows that are not believed. Those are tried last from then on.
const TRIED_MAX: usize = 200;
/// Keys that are looked up at once.
const LOOKED_UP_MAX: usize = 1_000;

/// A rotation that begins by itself, if there is room in this minute.
struct BeginDue {
    rotate: RotateKey,
    version_uid: Uuid,
}

/// A key that is due.
struct Due {
    at: Timestamp,
    key_uid: Uuid,
    version_uid: Uuid,
    name: KeyName,
}

impl Vault {
    /// Begins the rotations that are due, the longest due first. Answers how many; any replica may call it at any time.
    ///
    /// # Errors
    /// The database cannot be reached, or a fault.
    pub async fn begin_due_rotations(self: &Arc<Self>) -> Result<usize> {
        if !self.live.is_fresh(boot_now()) {
            return Ok(0);
        }
        let accounts = async {
            let mut conn = acquire(&self.pool).await?;
            rotators::accounts(&mut conn).await
        };
        let accounts: HashSet<Uuid> = in_time(ANSWER_WITHIN, accounts)
            .await?
            .into_iter()
            .collect();
        if accounts.is_empty() {
            return Ok(0);
        }
        let (snapshot, now) = (self.live.snapshot(), self.live.now().database);
        // There may be a hundred thousand keys: no call waits behind them.
        let due = tokio::task::spawn_blocking(move || due(&snapshot, &accounts, now)).await;
        let due = due.map_err(|_| crate::store::Error::unanswered())?;
        let mut begun = 0;
        for due in self.startable(due, now).await? {
            let (key, version) = (due.name.to_string(), due.version_uid);
            match self.begin_due(due).await {
                Ok(()) => begun += 1,
                Err(Error::Refused(Refusal::MinuteFull { .. })) => break,
                // It is gone, or was rotated a moment ago.
                Err(Error::Refused(Refusal::NotFound { .. })) => {}
                Err(error @ Error::Refused(Refusal::DatabaseUnreachable)) => return Err(error),
                // Whatever is wrong with one keeps no other.
                Err(error) => {
                    let cause = root(&error);
                    tracing::warn!(%error, cause, key, "a rotation that is due cannot begin, it is tried again");
                    self.try_later(version, Deed::Replace).await;
                }
            }
        }
        Ok(begun)
    }

    /// Those that have no rotation under way, and none that came to nothing a while ago; last those that could not begin before.
    async fn startable(&self, mut due: Vec<Due>, now: Timestamp) -> Result<Vec<Due>> {
        let (mut startable, mut again) = (Vec::new(), Vec::new());
        let since = now.before(AGAIN_AFTER);
        while !due.is_empty() && startable.len() < TRIED_MAX {
            let rest = due.split_off(due.len().min(LOOKED_UP_MAX));
            let keys: Vec<Uuid> = due.iter().map(|due| due.key_uid).collect();
            let versions: Vec<Uuid> = due.iter().map(|due| due.version_uid).collect();
            let looking = async {
                let mut conn = acquire(&self.pool).await?;
                let busy = rotations::busy(&mut conn, &keys, since).await?;
                let tried = version_retries::tried(&mut conn, &versions, Deed::Replace).await?;
                Ok::<_, crate::store::Error>((busy, tried))
            };
            let (busy, tried) = in_time(ANSWER_WITHIN, looking).await?;
            let busy: HashSet<Uuid> = busy.into_iter().collect();
            for due in due.into_iter().filter(|due| !busy.contains(&due.key_uid)) {
                match tried.get(&due.version_uid) {
                    None => startable.push(due),
                    Some(true) => again.push(due),
                    Some(false) => {}
                }
            }
            due = rest;
        }
        startable.extend(again);
        startable.truncate(TRIED_MAX);
        Ok(startable)
    }

    async fn begin_due(self: &Arc<Self>, due: Due) -> Result<()> {
        let change = Change::by_system("RotateKey", "its rotation interval ends");
        let rotate = RotateKey {
            name: due.name,
            etag: String::new(),
            secret: None,
            revoke_previous_now: false,
            skips_test: false,
            grace: None,
        };
        let version_uid = due.version_uid;
        let begin = BeginDue {
            rotate,
            version_uid,
        };
        self.change(change, begin).await
    }
}

impl Verb for BeginDue {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        // Changes come one after the other, so that no two replicas count the same.
        let begun =
            rotations::begun_since(work.conn, work.now.before(Duration::from_mins(1))).await?;
        if begun >= BEGUN_A_MINUTE_MAX {
            let what = format!("{begun} rotations began by themselves within a minute");
            return Err(Refusal::MinuteFull { what }.into());
        }
        self.check(work).await?;
        let done = self.rotate.apply(work).await?;
        Ok(Done {
            answer: (),
            resource: done.resource,
            summary: done.summary,
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}

impl BeginDue {
    /// What was due a moment ago, as this replica knew, may have been rotated by another since.
    async fn check(&self, work: &mut Work<'_>) -> Result<()> {
        let key = get_key::stored(work.conn, &self.rotate.name).await?;
        let uid = key.meta.uid;
        let current = key_versions::current(work.conn, uid).await?;
        let is_same = current.is_some_and(|current| current.meta.uid == self.version_uid);
        if is_same && rotations::open_of_key(work.conn, uid).await?.is_none() {
            return Ok(());
        }
        let resource = format!("the rotation that {} was due for", self.rotate.name);
        Err(Refusal::NotFound { resource }.into())
    }
}

/// The keys that are due, the longest due first.
fn due(snapshot: &Snapshot, accounts: &HashSet<Uuid>, now: Timestamp) -> Vec<Due> {
    let intervals = Intervals::of(snapshot);
    let versions = snapshot.versions.values();
    let current = versions.filter(|version| version.version.stage == Stage::Current);
    let mut due: Vec<Due> = current
        .filter_map(|version| {
            let account = snapshot.accounts.get(&version.key.account_uid)?;
            let account = &account.account;
            let words = [&account.disablement, &version.key.disablement];
            let is_off = words.iter().any(|word| is_disabled(word.as_ref(), now));
            let interval = intervals.in_force(&version.key, account);
            let at = begins(
                version.version.meta.uid,
                version.version.promote_time?,
                interval,
            );
            let is_due = accounts.contains(&account.meta.uid) && !is_off && at <= now;
            is_due.then(|| Due {
                at,
                key_uid: version.key.meta.uid,
                version_uid: version.version.meta.uid,
                name: KeyName {
                    account: account.id.clone(),
                    key: version.key.id.clone(),
                },
            })
        })
        .collect();
    due.sort_by_key(|due| due.at);
    due
}
