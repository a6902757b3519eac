//! `ProbeKey`: a person asks for a probe now.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::guard::found;
use super::probing::last;
use super::{Change, Done, Refusal, Result, Vault, Verb, Work, get_key};
use crate::domain::health::{FailureClass, Health};
use crate::domain::name::{KeyName, VersionName};
use crate::store::connection::acquire;
use crate::store::probes::Last;
use crate::store::{key_versions, probes};

/// A provider is not asked more often than this, however many people wonder.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// What a probe that a person asked for said.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The version that was asked about.
    pub version: VersionName,
    /// The probe.
    pub last: Last,
    /// What a failure is about.
    pub class: Option<FailureClass>,
    /// How the version is now.
    pub health: Health,
}

/// Writes the probe, and its audit row.
struct NoteProbe {
    version: VersionName,
    uid: Uuid,
    last: Last,
}

impl Vault {
    /// Asks the provider about the current version of a key, acts on the answer, and writes that somebody asked.
    ///
    /// # Errors
    /// There is no such key, it may not be probed now, or it was a moment ago.
    pub async fn probe_key(self: &Arc<Self>, change: Change, name: KeyName) -> Result<Asked> {
        let refuse = |message: String| Refusal::State {
            resource: name.to_string(),
            message: format!("{name} is not probed: {message}"),
        };
        let Ok(_seat) = self.probe_seats.try_acquire() else {
            let message = "as many as may be are under way on this replica, ask again in a moment";
            return Err(refuse(message.to_owned()).into());
        };
        // Before the provider is asked, too: what was revoked has no such say.
        self.admitted(&change).await?;
        let now = self.live.now().database;
        let (version, uid) = self.to_probe(&name).await?;
        let recent = self.last_probe(uid).await?;
        if recent.is_some_and(|last| now.since(last.time) < AGAIN_AFTER) {
            let message = "its provider was asked less than 5 s ago, GetKeyVersion has the answer";
            return Err(refuse(message.to_owned()).into());
        }
        let subject = self.subject(uid, now);
        let subject = subject.map_err(|unprobed| refuse(unprobed.to_string()))?;
        let probed = self.probe(&subject).await;
        let probed = probed.map_err(|unprobed| refuse(unprobed.to_string()))?;
        let now = self.live.now().database;
        let note = NoteProbe {
            version: version.clone(),
            uid,
            last: last(&probed, now),
        };
        // It acts only once it is on record who asked, and that he might.
        let last = self.change(change, note).await?;
        self.heed(&subject, &probed, now).await?;
        let snapshot = self.live.snapshot();
        let live = snapshot.versions.get(&uid).map(|entry| &entry.live);
        let health = live.map_or_else(Health::default, |live| live.health(now));
        Ok(Asked {
            version,
            last,
            class: probed.failure.map(|failure| failure.class),
            health,
        })
    }

    async fn to_probe(&self, name: &KeyName) -> Result<(VersionName, Uuid)> {
        let mut conn = acquire(&self.pool).await?;
        let key = get_key::stored(&mut conn, name).await?;
        let current = key_versions::current(&mut conn, key.meta.uid).await?;
        let current = found(current, &format!("the current version of {name}"))?;
        let version = VersionName {
            key: name.clone(),
            number: current.number,
        };
        Ok((version, current.meta.uid))
    }

    async fn last_probe(&self, version: Uuid) -> Result<Option<Last>> {
        let mut conn = acquire(&self.pool).await?;
        let mut rows = probes::of_versions(&mut conn, &[version]).await?;
        Ok(rows.remove(&version).and_then(|row| row.last))
    }
}

impl Verb for NoteProbe {
    type Answer = Last;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Last>> {
        let last = &self.last;
        probes::note(work.conn, self.uid, last).await?;
        let (result, why) = (last.result.as_str(), &last.why);
        Ok(Done {
            resource: self.version.to_string(),
            summary: format!("probed: {result} ({why})"),
            answer: self.last,
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<Last> {
        Ok(self.last)
    }
}
