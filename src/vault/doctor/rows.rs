//! Rows under a MAC, and rows that cannot be read.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Kind, Names, Report};
use crate::crypto::{GrantRow, MemberRow, ProtectedRow};
use crate::domain::key::KeyVersion;
use crate::store::changes::{Changes, Unread};
use crate::store::connection::acquire;
use crate::store::{self, Stored, rotators};
use crate::vault::VaultKeys;
use crate::vault::master_keys::get_master_key_status;
use crate::vault::master_keys::promoted::{self, Promoted};

/// References read at a time.
const BATCH: i64 = 500;
const FORGED: &str = "it was made or changed in the database outside of keylease and is not used: restore its row, or delete it and create it anew";

/// Checks the MAC of every row that has one.
pub(super) async fn check(
    keys: &VaultKeys,
    pool: &PgPool,
    changes: &Changes,
    names: &Names,
    report: &mut Report,
) -> store::Result<()> {
    for row in &changes.accounts {
        check_row(
            keys,
            row,
            || format!("accounts/{}", row.resource.id),
            report,
        );
    }
    for row in &changes.keys {
        let name = || {
            names
                .keys
                .get(&row.resource.meta.uid)
                .cloned()
                .unwrap_or_default()
        };
        check_row(keys, row, name, report);
    }
    for row in &changes.tokens {
        check_row(keys, row, || format!("token {}", row.resource.id), report);
    }
    pools(keys, changes, names, report);
    callers(keys, changes, report);
    let mut conn = acquire(pool).await?;
    rotators(keys, &mut conn, changes, names, report).await?;
    report.rows += 1;
    let subject = "the promoted master key";
    match promoted::read(&mut conn, keys).await? {
        Promoted::Tampered => {
            let detail = "which master key is promoted was changed outside of keylease: promote one again by `keylease master-key promote`";
            report.find(Kind::MacWrong, subject, detail);
        }
        // Even where nothing is wrapped with it yet no replica starts without it.
        Promoted::Key(key) if keys.ring().find(&key).is_err() => {
            let detail = format!("{key} was not given, and no replica starts without it: give it");
            report.find(Kind::MasterKeyMissing, subject, detail);
        }
        Promoted::Key(_) => report.notes.extend(left_behind(&mut conn, keys).await?),
        Promoted::None if promoted::was_any(&mut conn).await? => {
            let detail = "none is promoted, and one was: that was removed outside of keylease, nothing is sealed until one is promoted again by `keylease master-key promote`";
            report.find(Kind::MacWrong, subject, detail);
        }
        Promoted::None => {}
    }
    Ok(())
}

/// What a rewrap is needed for: a release before this promoted the stronger key of a passphrase and moved nothing to it.
async fn left_behind(conn: &mut PgConnection, keys: &VaultKeys) -> store::Result<Vec<String>> {
    let status = get_master_key_status::status(conn, keys).await?;
    if !status.needs_rewrap() {
        return Ok(Vec::new());
    }
    let notes = status.left_behind().map(|key| {
        let weak = if key.is_weak {
            " under weaker parameters of its passphrase than are right today"
        } else {
            ""
        };
        let (secrets, fingerprint) = (key.row.secrets, &key.row.fingerprint);
        let cluster_key = if key.row.wraps_cluster_key { " and the cluster key" } else { "" };
        format!(
            "a rewrap is needed (`keylease master-key rewrap`): {secrets} secrets{cluster_key} are wrapped with {fingerprint}{weak}, and another key is promoted"
        )
    });
    Ok(notes.collect())
}

fn pools(keys: &VaultKeys, changes: &Changes, names: &Names, report: &mut Report) {
    for row in &changes.pools {
        let (pool, uid) = (format!("pools/{}", row.resource.id), row.resource.meta.uid);
        check_row(keys, row, || pool.clone(), report);
        for member in changes.members.get(&uid).into_iter().flatten() {
            let target = member.resource.target.uid();
            let name = names
                .keys
                .get(&target)
                .or_else(|| names.accounts.get(&target));
            let name = format!(
                "member {} of {pool}",
                name.cloned().unwrap_or_else(|| target.to_string())
            );
            let row = MemberRow {
                pool_uid: &uid,
                member: &member.resource,
            };
            judge(keys, &row, &member.mac, || name, report);
        }
    }
}

fn callers(keys: &VaultKeys, changes: &Changes, report: &mut Report) {
    for row in &changes.callers {
        let (caller, uid) = (
            format!("callers/{}", row.resource.id),
            row.resource.meta.uid,
        );
        check_row(keys, row, || caller.clone(), report);
        for grant in changes.grants.get(&uid).into_iter().flatten() {
            let name = format!("grant {} of {caller}", grant.resource.role());
            let row = GrantRow {
                caller_uid: &uid,
                grant: &grant.resource,
            };
            judge(keys, &row, &grant.mac, || name, report);
        }
    }
}

/// Who makes new secrets, and what providers call them: read apart, since no replica keeps them in memory.
async fn rotators(
    keys: &VaultKeys,
    conn: &mut PgConnection,
    changes: &Changes,
    names: &Names,
    report: &mut Report,
) -> store::Result<()> {
    for row in rotators::all(conn).await? {
        let account = names.accounts.get(&row.resource.account_uid);
        let name = || {
            format!(
                "the rotator of {}",
                account.map_or("accounts/-", |name| name)
            )
        };
        check_row(keys, &row, name, report);
    }
    let versions = changes.versions.iter().map(|v| (v.meta.uid, v));
    let versions: HashMap<Uuid, &KeyVersion> = versions.collect();
    let mut after = Uuid::nil();
    loop {
        let rows = rotators::references_after(conn, after, BATCH).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.resource.version_uid;
        for row in &rows {
            let uid = row.resource.version_uid;
            let version = versions.get(&uid);
            let version = version.map(|version| names.version(version.key_uid, version.number));
            let version = version.unwrap_or_else(|| format!("a revoked version ({uid})"));
            let name = || format!("what the provider calls the secret of {version}");
            check_row(keys, row, name, report);
        }
    }
}

fn check_row<R: ProtectedRow>(
    keys: &VaultKeys,
    row: &Stored<R>,
    name: impl FnOnce() -> String,
    report: &mut Report,
) {
    judge(keys, &row.resource, &row.mac, name, report);
}

fn judge<R: ProtectedRow>(
    keys: &VaultKeys,
    row: &R,
    mac: &[u8],
    name: impl FnOnce() -> String,
    report: &mut Report,
) {
    report.rows += 1;
    if !keys.mac.verifies_row(row, mac) {
        report.find(Kind::MacWrong, name(), FORGED);
    }
}

/// Rows that this release cannot read.
pub(super) fn unread(changes: &Changes, report: &mut Report) {
    for row in &changes.unread {
        let (table, uid) = match row {
            Unread::Account(uid, _) => ("accounts", uid),
            Unread::Limit(uid, _) => ("limits", uid),
            Unread::Key(uid, _) => ("keys", uid),
            Unread::Version(uid) => ("key_versions", uid),
            Unread::Pool(uid, _) => ("pools", uid),
            Unread::Member(uid) => ("pool_members of pool", uid),
            Unread::Caller(uid) => ("callers", uid),
            Unread::Grant(uid) => ("grants of caller", uid),
        };
        let detail = "a newer release wrote it, or somebody by hand: it counts as taken out, the log says which column";
        report.find(Kind::RowUnreadable, format!("{table} {uid}"), detail);
    }
}
