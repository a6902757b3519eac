//! What is gone.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::Result;

/// A row that is gone, or that no replica needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Which table.
    pub kind: GoneKind,
    /// Which row; of cooldowns, which account or version.
    pub uid: Uuid,
}

/// Tables whose rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneKind {
    /// `accounts`.
    Account,
    /// `limits`.
    Limit,
    /// `keys`, with their versions.
    Key,
    /// `key_versions` that are revoked.
    Version,
    /// `pools`.
    Pool,
    /// `callers`.
    Caller,
    /// `tokens`.
    Token,
    /// All `cooldowns` of an account but those that are sent along.
    Cooldowns,
    /// That comes beside each of those that is so since a lease found one of them to be none, and no person cleared any.
    TriedCooldowns,
    /// Of those, what one caller alone spoke of was found not to be so.
    RefutedCooldowns,
    /// Nothing of `key_versions`, but what one caller alone said of a budget of one was found not to be so.
    RefutedVersion,
    /// All `version_cooldowns` of a version but those that are sent along.
    VersionCooldowns,
    /// As of accounts.
    TriedVersionCooldowns,
}

/// What is gone since a revision, of the tables that say so in `deletions`.
pub(super) async fn read(conn: &mut PgConnection, since: i64) -> Result<Vec<Gone>> {
    let rows = sqlx::query!("select kind, uid from deletions where rev > $1", since)
        .fetch_all(conn)
        .await?;
    let mut gone = Vec::with_capacity(rows.len());
    for row in rows {
        let kind = match row.kind.as_str() {
            "accounts" => GoneKind::Account,
            "limits" => GoneKind::Limit,
            "keys" => GoneKind::Key,
            "pools" => GoneKind::Pool,
            "callers" => GoneKind::Caller,
            "tokens" => GoneKind::Token,
            "cooldowns" => GoneKind::Cooldowns,
            "refuted_cooldowns" => GoneKind::RefutedCooldowns,
            "tried_cooldowns" => GoneKind::TriedCooldowns,
            "tried_version_cooldowns" => GoneKind::TriedVersionCooldowns,
            "refuted_versions" => GoneKind::RefutedVersion,
            "version_cooldowns" => GoneKind::VersionCooldowns,
            _ => continue,
        };
        gone.push(Gone { kind, uid: row.uid });
    }
    Ok(gone)
}
