//! A key as it is answered: with its current version, and when its next rotation is due.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::error::Refusal;
use crate::domain::disablement::in_force;
use crate::domain::id::Id;
use crate::domain::key::Key;
use crate::domain::name::KeyName;
use crate::domain::rotation::interval_in_force;
use crate::domain::time::Timestamp;
use crate::store::key_facts::{self, KeyFacts};

/// A key, and what is read with it.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// Its name.
    pub name: KeyName,
    /// The key.
    pub key: Key,
    /// The number of its current version.
    pub current: Option<u32>,
    /// The rotation interval in force.
    pub rotation_interval: Duration,
    /// When the interval ends; none without a current version.
    pub next_rotation: Option<Timestamp>,
    /// The interval has ended.
    pub rotation_overdue: bool,
}

/// Reads what belongs to these keys, in their order.
pub(super) async fn view_all(
    conn: &mut PgConnection,
    keys: Vec<Key>,
    now: Timestamp,
) -> Result<Vec<KeyView>> {
    let uids: Vec<Uuid> = keys.iter().map(|key| key.meta.uid).collect();
    let facts = key_facts::of_keys(conn, &uids).await?;
    let mut facts: HashMap<Uuid, KeyFacts> = facts.into_iter().map(|f| (f.key_uid, f)).collect();
    // A key without facts was deleted between the two queries.
    let views = keys.into_iter().filter_map(|key| {
        let facts = facts.remove(&key.meta.uid)?;
        Some(view_of(key, &facts, now))
    });
    views.collect()
}

/// Reads what belongs to a key.
pub(super) async fn view(
    conn: &mut PgConnection,
    key: Key,
    name: &KeyName,
    now: Timestamp,
) -> Result<KeyView> {
    let views = view_all(conn, vec![key], now).await?;
    views.into_iter().next().ok_or_else(|| {
        let resource = name.to_string();
        Refusal::NotFound { resource }.into()
    })
}

/// As it is at `now`: a disablement that has ended is not shown.
fn view_of(mut key: Key, facts: &KeyFacts, now: Timestamp) -> Result<KeyView> {
    key.disablement = in_force(key.disablement, now);
    let rotation_interval = interval_in_force(
        key.rotation_interval,
        facts.account_rotation,
        facts.pool_rotation,
    );
    let next_rotation = facts.promote_time.map(|time| time.after(rotation_interval));
    Ok(KeyView {
        name: KeyName {
            account: Id::parse("account", &facts.account_id)?,
            key: key.id.clone(),
        },
        current: facts.current_number,
        rotation_interval,
        next_rotation,
        rotation_overdue: next_rotation.is_some_and(|next| next <= now),
        key,
    })
}
