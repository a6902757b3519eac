//! `UpdateKey`.

use std::time::Duration;

use super::guard::check_etag;
use super::key_view::{KeyView, view};
use super::{Done, Result, Verb, Work, get_key};
use crate::domain::changes::{Changes, labels, patterns, time};
use crate::domain::key::Key;
use crate::domain::labels::Labels;
use crate::domain::models::{ModelRules, Pattern};
use crate::domain::name::KeyName;
use crate::store::keys;
use std::collections::BTreeMap;

/// Changes of a key; what is none stays.
#[derive(Debug, Clone)]
pub struct UpdateKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// Free labels.
    pub labels: Option<Labels>,
    /// Models it may serve.
    pub model_allow: Option<Vec<Pattern>>,
    /// Models it must not serve.
    pub model_deny: Option<Vec<Pattern>>,
    /// What the provider calls models.
    pub model_map: Option<BTreeMap<String, String>>,
    /// Its own rotation interval.
    pub rotation_interval: Option<Option<Duration>>,
}

impl Verb for UpdateKey {
    type Answer = KeyView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<KeyView>> {
        let name = self.name;
        let mut key = get_key::to_change(work, &name).await?;
        check_etag(&self.etag, &key.meta, &name)?;
        let before = key.clone();
        let ModelRules { allow, deny, map } = key.models;
        key.models = ModelRules {
            allow: self.model_allow.unwrap_or(allow),
            deny: self.model_deny.unwrap_or(deny),
            map: self.model_map.unwrap_or(map),
        };
        key.meta.labels = self.labels.unwrap_or(key.meta.labels);
        key.rotation_interval = self.rotation_interval.unwrap_or(key.rotation_interval);
        key.meta.touch(work.rev, work.now);
        let mac = work.keys.mac.of_row(&key);
        keys::update(work.conn, &key, &mac).await?;
        Ok(Done {
            resource: name.to_string(),
            summary: changes(&before, &key).summary(),
            answer: view(work.conn, key, &name, work.now).await?,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<KeyView> {
        get_key::reread(work, &self.name).await
    }
}

/// What changed. A field that is new has to be named here.
fn changes(before: &Key, now: &Key) -> Changes {
    let Key {
        meta,
        account_uid: _,
        id: _,
        models: ModelRules { allow, deny, map },
        rotation_interval,
        disablement: _,
    } = before;
    let mut changes = Changes::default();
    changes.field("labels", (&meta.labels, &now.meta.labels), labels);
    changes.field("model_allow", (&allow[..], &now.models.allow[..]), patterns);
    changes.field("model_deny", (&deny[..], &now.models.deny[..]), patterns);
    changes.field("model_map", (map, &now.models.map), |map| {
        format!("{map:?}")
    });
    let intervals = (rotation_interval, &now.rotation_interval);
    changes.field("rotation_policy.interval", intervals, time);
    changes
}
