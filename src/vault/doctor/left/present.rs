//! The rows that are there, table by table.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::super::Names;
use super::Comparison;
use crate::crypto::macs_digest;
use crate::domain::key::Stage;
use crate::domain::rows_left::RowTable;
use crate::store::changes::{Changes, GoneKind, Unread};
use crate::store::{self, Stored, rotators};

/// Rows that are there and cannot be read, which is told of them already.
pub(super) fn unread(changes: &Changes) -> HashSet<(RowTable, Uuid)> {
    let row = |row: &Unread| match row {
        Unread::Account(uid, _) => Some((RowTable::Accounts, *uid)),
        Unread::Limit(..) => None,
        Unread::Key(uid, _) => Some((RowTable::Keys, *uid)),
        Unread::Version(uid) => Some((RowTable::Versions, *uid)),
        Unread::Pool(uid, _) => Some((RowTable::Pools, *uid)),
        Unread::Member(uid) => Some((RowTable::Members, *uid)),
        Unread::Caller(uid) => Some((RowTable::Callers, *uid)),
        Unread::Grant(uid) => Some((RowTable::Grants, *uid)),
    };
    changes.unread.iter().filter_map(row).collect()
}

/// The MACs of what goes with a pool or a caller, as one.
fn together<R>(rows: Option<&Vec<Stored<R>>>) -> [u8; 32] {
    let rows = rows.into_iter().flatten();
    macs_digest(rows.map(|row| row.mac.as_slice()).collect())
}

impl Comparison {
    /// Sets each against the records.
    pub(super) async fn rows(
        &mut self,
        conn: &mut PgConnection,
        changes: &Changes,
        names: &Names,
    ) -> store::Result<()> {
        self.accounts(changes, names);
        self.versions(changes, names);
        self.pools(changes);
        self.callers(changes);
        for row in rotators::all(conn).await? {
            let uid = row.resource.account_uid;
            let account = names.accounts.get(&uid);
            let name = || format!("the rotator of {}", account.map_or("accounts/-", |a| a));
            self.row(RowTable::Rotators, uid, &row.mac, name);
        }
        Ok(())
    }

    fn accounts(&mut self, changes: &Changes, names: &Names) {
        for row in &changes.accounts {
            let uid = row.resource.meta.uid;
            self.owners.insert(uid);
            let name = || format!("accounts/{}", row.resource.id);
            self.row(RowTable::Accounts, uid, &row.mac, name);
        }
        for row in &changes.keys {
            let uid = row.resource.meta.uid;
            let name = || names.keys.get(&uid).cloned().unwrap_or_default();
            self.row(RowTable::Keys, uid, &row.mac, name);
        }
    }

    fn versions(&mut self, changes: &Changes, names: &Names) {
        for version in &changes.versions {
            let (uid, stage) = (version.meta.uid, version.stage.as_str().as_bytes());
            let name = || names.version(version.key_uid, version.number);
            self.row(RowTable::Versions, uid, stage, name);
        }
        let gone = changes.gone.iter();
        for gone in gone.filter(|gone| gone.kind == GoneKind::Version) {
            let (uid, stage) = (gone.uid, Stage::Revoked.as_str().as_bytes());
            let name = || format!("a version that is revoked ({uid})");
            self.row(RowTable::Versions, uid, stage, name);
        }
    }

    fn pools(&mut self, changes: &Changes) {
        for row in &changes.pools {
            let (uid, id) = (row.resource.meta.uid, &row.resource.id);
            self.owners.insert(uid);
            self.row(RowTable::Pools, uid, &row.mac, || format!("pools/{id}"));
            let members = together(changes.members.get(&uid));
            let name = || format!("the members of pools/{id}");
            self.row(RowTable::Members, uid, &members, name);
        }
    }

    fn callers(&mut self, changes: &Changes) {
        let mut ids = HashMap::new();
        for row in &changes.callers {
            let (uid, id) = (row.resource.meta.uid, &row.resource.id);
            self.owners.insert(uid);
            ids.insert(uid, id.as_str());
            self.row(RowTable::Callers, uid, &row.mac, || format!("callers/{id}"));
            let grants = together(changes.grants.get(&uid));
            let name = || format!("the grants of callers/{id}");
            self.row(RowTable::Grants, uid, &grants, name);
        }
        for row in &changes.tokens {
            let token = &row.resource;
            let caller = ids.get(&token.caller_uid).copied().unwrap_or("-");
            let name = || format!("callers/{caller}/tokens/{}", token.id);
            self.row(RowTable::Tokens, token.uid, &row.mac, name);
        }
    }
}
