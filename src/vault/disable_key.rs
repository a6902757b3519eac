//! `DisableKey` and `EnableKey`.

use super::disable::{Word, word_summary};
use super::guard::check_etag;
use super::key_view::{KeyView, view};
use super::{Done, Result, Verb, Work, get_key};
use crate::domain::key::Key;
use crate::domain::name::KeyName;
use crate::store::keys;

/// A key to disable.
#[derive(Debug, Clone)]
pub struct DisableKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// Why, and until when.
    pub word: Word,
}

/// A key to enable.
#[derive(Debug, Clone)]
pub struct EnableKey {
    /// Which.
    pub name: KeyName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DisableKey {
    type Answer = KeyView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<KeyView>> {
        set(work, &self.name, &self.etag, Some(self.word)).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<KeyView> {
        get_key::reread(work, &self.name).await
    }
}

impl Verb for EnableKey {
    type Answer = KeyView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<KeyView>> {
        set(work, &self.name, &self.etag, None).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<KeyView> {
        get_key::reread(work, &self.name).await
    }
}

async fn set(
    work: &mut Work<'_>,
    name: &KeyName,
    etag: &str,
    word: Option<Word>,
) -> Result<Done<KeyView>> {
    let mut key: Key = get_key::to_change(work, name).await?;
    check_etag(etag, &key.meta, name)?;
    key.disablement = word.map(|word| word.spoken(work)).transpose()?;
    key.meta.touch(work.rev, work.now);
    let mac = work.keys.mac.of_row(&key);
    keys::update(work.conn, &key, &mac).await?;
    Ok(Done {
        resource: name.to_string(),
        summary: word_summary(key.disablement.as_ref()),
        answer: view(work.conn, key, name, work.now).await?,
    })
}
