//! A vault whose rows somebody puts back who kept them, and what may have been changed meanwhile.

use keylease::proto;

use super::audited::Audited;
use super::client::Client;
use super::desk::mask;
use super::doctored::Diagnosis;
use super::setup::of_targets;

/// Tables whose rows are kept account of.
const TABLES: &[&str] = &[
    "accounts",
    "keys",
    "key_versions",
    "secrets",
    "pools",
    "pool_members",
    "callers",
    "grants",
    "tokens",
    "cluster",
];

impl Audited {
    /// A vault whose rows were kept as `before`, then changed, and kept as `after`.
    pub(crate) async fn changed() -> Self {
        let audited = Self::new().await;
        let admin = audited.cluster.admin().await;
        let token = admin.create_token("search").await.token.unwrap().name;
        audited.keep("before").await;
        admin.revoke_token(&token).await;
        admin.disable_account("accounts/a").await;
        admin.disable_key("accounts/a/keys/k").await;
        admin.set_members(&["a"]).await;
        admin.set_pattern("q").await;
        admin.rotate("accounts/b/keys/k", "sk-b-new").await;
        audited.keep("after").await;
        audited
    }

    /// Keeps all rows as they are, under this name.
    pub(crate) async fn keep(&self, name: &str) {
        for table in TABLES {
            let keep = format!("create table {name}_{table} as select * from {table}");
            self.edit(&keep).await;
        }
    }

    /// Puts a table's rows back as they were kept, whatever hangs on them.
    pub(crate) async fn put_back(&self, name: &str, table: &str) {
        let edit = format!(
            "set session_replication_role = replica; delete from {table}; insert into {table} select * from {name}_{table};
            set session_replication_role = origin"
        );
        self.edit(&edit).await;
    }

    /// What the doctor says, which is that nothing is wrong.
    pub(crate) fn is_well(&self) -> Diagnosis {
        let found = self.cluster.doctor(&[]);
        assert!(found.is_well(), "{}", found.text());
        found
    }

    /// Checks that the doctor finds so many rows back and nothing else, each of these named.
    pub(crate) fn finds_back(&self, rows: u64, named: &[&str]) {
        let found = self.cluster.doctor(&[]);
        let text = found.text();
        assert_eq!(found.count("row_back"), rows, "{text}");
        let kinds = found.report["counts"].as_object().unwrap().len();
        assert_eq!(kinds, 1, "{text}");
        for named in named {
            assert!(text.contains(named), "{named}: {text}");
        }
    }
}

impl Client {
    /// Revokes a token.
    pub(crate) async fn revoke_token(&self, name: &str) {
        let request = proto::RevokeTokenRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        self.admin.clone().revoke_token(request).await.unwrap();
    }

    /// Disables an account.
    pub(crate) async fn disable_account(&self, name: &str) {
        let request = proto::DisableAccountRequest {
            name: name.to_owned(),
            why: "leaked".to_owned(),
            ..Default::default()
        };
        self.admin.clone().disable_account(request).await.unwrap();
    }

    /// Enables an account.
    pub(crate) async fn enable_account(&self, name: &str) {
        let request = proto::EnableAccountRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        self.admin.clone().enable_account(request).await.unwrap();
    }

    /// Gives the pool `p` these members.
    pub(crate) async fn set_members(&self, targets: &[&str]) {
        let request = proto::UpdatePoolRequest {
            pool: Some(proto::Pool {
                name: "pools/p".to_owned(),
                ..of_targets(targets)
            }),
            update_mask: mask(&["members"]),
            ..Default::default()
        };
        self.admin.clone().update_pool(request).await.unwrap();
    }

    /// Lets the caller `search` lease from the pools of this pattern alone.
    pub(crate) async fn set_pattern(&self, pool_pattern: &str) {
        let grant = proto::Grant {
            role: proto::Role::Lessee.into(),
            pool_pattern: pool_pattern.to_owned(),
        };
        let request = proto::UpdateCallerRequest {
            caller: Some(proto::Caller {
                name: "callers/search".to_owned(),
                grants: vec![grant],
                ..Default::default()
            }),
            update_mask: mask(&["grants"]),
            ..Default::default()
        };
        self.admin.clone().update_caller(request).await.unwrap();
    }

    /// Deletes a pool, a key or a caller.
    pub(crate) async fn delete(&self, name: &str) {
        let mut admin = self.admin.clone();
        let name = name.to_owned();
        if name.starts_with("pools/") {
            let request = proto::DeletePoolRequest {
                name,
                ..Default::default()
            };
            admin.delete_pool(request).await.unwrap();
        } else if name.starts_with("callers/") {
            let request = proto::DeleteCallerRequest {
                name,
                ..Default::default()
            };
            admin.delete_caller(request).await.unwrap();
        } else {
            let request = proto::DeleteKeyRequest {
                name,
                ..Default::default()
            };
            admin.delete_key(request).await.unwrap();
        }
    }
}
