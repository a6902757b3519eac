//! What the status of a pool is read from: many rows at a time, over `accounts`, `keys` and `key_versions`.

use sqlx::PgConnection;
use uuid::Uuid;

use super::accounts::AccountRow;
use super::key_versions::KeyVersionRow;
use super::keys::KeyRow;
use super::{Result, Stored};
use crate::domain::account::Account;
use crate::domain::key::{Key, KeyVersion};

/// Every key of these accounts, and these keys, each once.
///
/// # Errors
/// As every query.
pub async fn keys(
    conn: &mut PgConnection,
    accounts: &[Uuid],
    keys: &[Uuid],
) -> Result<Vec<Stored<Key>>> {
    let rows = sqlx::query_as!(
        KeyRow,
        r#"select uid, rev, account_uid, id, labels as "labels: _", create_time, update_time, model_allow, model_deny,
            model_map as "model_map: _", rotation_seconds, disabled_why, disabled_since, disabled_until, disabled_by, mac
        from keys where account_uid = any($1) or uid = any($2)"#,
        accounts,
        keys
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The accounts of these uids.
///
/// # Errors
/// As every query.
pub async fn accounts(conn: &mut PgConnection, uids: &[Uuid]) -> Result<Vec<Stored<Account>>> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"select uid, rev, id, labels as "labels: _", create_time, update_time, profile, base_url, allowed_hosts, allow_http,
            placement_kind, placement_name, placement_prefix, rotation_seconds, learned_limits, disabled_why, disabled_since, disabled_until,
            disabled_by, mac
        from accounts where uid = any($1)"#,
        uids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The versions of these keys that are not revoked, newest first.
///
/// # Errors
/// As every query.
pub async fn versions(conn: &mut PgConnection, keys: &[Uuid]) -> Result<Vec<KeyVersion>> {
    let rows = sqlx::query_as!(
        KeyVersionRow,
        "select uid, rev, key_uid, number, stage, create_time, update_time, promote_time, revoke_time, drain_until, sealed_hosts,
            health, health_until, health_why, health_class, health_accuser, health_tried_time, recover_time
        from key_versions where key_uid = any($1) and stage <> 'revoked' order by number desc",
        keys
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}
