//! A vault whose audit somebody tampers with who does not have the cluster key.

use std::path::PathBuf;
use std::process::Output;

use keylease::proto::{JournalMode, Pool, UpdatePoolRequest};
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::client::Client;
use super::cluster::Cluster;
use super::desk::mask;
use super::postgres::new_folder;
use super::process::texts;

/// Begins a statement that sets heads back to what the table `heads` keeps of them.
pub(crate) const SET_HEADS_BACK: &str = "update audit_chains c
    set head_sequence = h.head_sequence, head_hash = h.head_hash, head_mac = h.head_mac from heads h";

/// Removes records of changes that are older than now.
pub(crate) const PRUNE: [&str; 7] = [
    "prune",
    "--chain",
    "changes",
    "--older-than",
    "0s",
    "--reason",
    "the law",
];

/// The version that was replaced is current again: an older secret is leased.
pub(crate) const UNDO_ROTATION: &str = "
    update key_versions v set stage = 'pending' where stage = 'current' and number = 2;
    update key_versions v set stage = 'current' where stage = 'previous';
    update key_versions v set stage = 'previous' where stage = 'pending'";

/// A vault with some changes on record.
pub(crate) struct Audited {
    pub(crate) cluster: Cluster,
}

impl Audited {
    pub(crate) async fn new() -> Self {
        let (cluster, _, _) = Cluster::serving(&["a", "b"], "p").await;
        Self { cluster }
    }

    /// Runs statements as whoever may write to the database.
    pub(crate) async fn edit(&self, statements: &str) {
        let pool = &self.cluster.database.pool;
        let statements = AssertSqlSafe(statements.to_owned());
        sqlx::raw_sql(statements).execute(pool).await.unwrap();
    }

    /// `keylease audit` with these arguments.
    pub(crate) fn audit(&self, arguments: &[&str]) -> Output {
        let mut command = self.cluster.command("audit");
        command.args(arguments).output().unwrap()
    }

    /// What `verify` says, and whether it found the audit intact.
    pub(crate) fn verify(&self, arguments: &[&str]) -> (bool, Value) {
        let output = self.audit(&[&["verify", "--json"], arguments].concat());
        let (out, error) = texts(&output);
        let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{error}"));
        let is_intact = report["intact"].as_bool().unwrap();
        let code = if is_intact { 0 } else { 4 };
        assert_eq!(output.status.code(), Some(code), "{error}");
        (is_intact, report)
    }

    /// What is wrong, as words such as `changed 3`, in the order in which it is told.
    pub(crate) fn faults(&self) -> Vec<String> {
        faults(&self.verify(&[]).1)
    }

    /// Checks that nothing is wrong.
    pub(crate) fn is_intact(&self) {
        assert_eq!(self.faults(), Vec::<String>::new());
    }

    /// The writer of the replica's chain of this kind, and its head.
    pub(crate) fn head(&self, chain: &str) -> (String, i64) {
        let (_, report) = self.verify(&[]);
        let chains = report["chains"].as_array().unwrap();
        let last = chains.iter().rev().find(|c| c["chain"] == chain).unwrap();
        let writer = last["writer"].as_str().unwrap().to_owned();
        (writer, last["head"].as_i64().unwrap())
    }

    /// Keeps what `verify` prints now where nobody edits it.
    pub(crate) fn note(&self) -> PathBuf {
        let file = new_folder().with_extension("json");
        let printed = self.audit(&["verify", "--json"]).stdout;
        std::fs::write(&file, printed).unwrap();
        file
    }
}

/// What a report says is wrong, as words such as `changed 3`.
pub(crate) fn faults(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let word = |finding: &Value| {
        let (fault, at) = (finding["fault"].as_str().unwrap(), &finding["sequence"]);
        match finding["until"].as_i64() {
            Some(until) => format!("{fault} {at}-{until}"),
            None => format!("{fault} {at}"),
        }
    };
    findings.iter().map(word).collect()
}

/// Sets how closely the leases of the pool `p` are recorded.
pub(crate) async fn set_journal(admin: &Client, mode: JournalMode) {
    let request = UpdatePoolRequest {
        pool: Some(Pool {
            name: "pools/p".to_owned(),
            journal: mode.into(),
            ..Default::default()
        }),
        update_mask: mask(&["journal"]),
        ..Default::default()
    };
    let mut client = admin.admin.clone();
    let pool = client.update_pool(request).await.unwrap().into_inner();
    assert_eq!(pool.pool.unwrap().journal(), mode);
}
