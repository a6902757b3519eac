//! Commands that only look, by a role that may only read, while somebody holds the rows.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Output;

use sqlx::{AssertSqlSafe, ConnectOptions as _};
use uuid::Uuid;

use crate::harness::audited::Audited;
use crate::harness::postgres::new_folder;
use crate::harness::process::texts;

/// A role that may read this database, and cannot write even where it is given more; it waits for no lock for long.
struct Reader {
    name: String,
    url_file: String,
}

impl Reader {
    async fn of(audited: &Audited) -> Self {
        let name = format!("reader_{}", Uuid::new_v4().simple());
        let made = format!(
            "create role {name} login password '{name}';
            alter role {name} set default_transaction_read_only = on; alter role {name} set statement_timeout = '20s';
            grant select on all tables in schema public to {name}"
        );
        audited.edit(&made).await;
        let options = audited.cluster.database.options.clone();
        let url = options.username(&name).password(&name).to_url_lossy();
        let url_file = new_folder().to_str().unwrap().to_owned();
        let mut create = fs::OpenOptions::new();
        let file = create.create_new(true).write(true).mode(0o600);
        writeln!(file.open(&url_file).unwrap(), "{url}").unwrap();
        Self { name, url_file }
    }

    fn runs(&self, audited: &Audited, arguments: &[&str]) -> Output {
        let mut command = audited.cluster.command(arguments[0]);
        command.args(&arguments[1..]);
        command.env("KEYLEASE_DATABASE_URL_FILE", &self.url_file);
        command.output().unwrap()
    }

    /// All three look, find nothing wrong and say so.
    fn looks(&self, audited: &Audited) {
        for (arguments, said) in [
            (&["doctor"][..], "nothing is wrong"),
            (&["audit", "verify"], "intact: "),
            (&["audit", "export"], "CreateAccount"),
        ] {
            let output = self.runs(audited, arguments);
            let (out, error) = texts(&output);
            assert!(output.status.success(), "{arguments:?}: {out}{error}");
            assert!(out.contains(said), "{arguments:?}: {out}");
        }
    }

    async fn gone(self, audited: &Audited) {
        let name = &self.name;
        audited
            .edit(&format!("drop owned by {name}; drop role {name}"))
            .await;
        fs::remove_file(&self.url_file).unwrap();
    }
}

#[tokio::test]
async fn who_only_looks_needs_no_right_to_write_and_waits_for_nobody() {
    let audited = Audited::new().await;
    let reader = Reader::of(&audited).await;
    reader.looks(&audited);
    // As a change does that takes long.
    let pool = &audited.cluster.database.pool;
    let mut holding = pool.begin().await.unwrap();
    for table in ["cluster", "audit_standing", "audit_chains", "secrets"] {
        let hold = format!("select from {table} for update");
        let held = sqlx::query(AssertSqlSafe(hold)).execute(&mut *holding);
        assert!(held.await.unwrap().rows_affected() > 0, "{table}");
    }
    reader.looks(&audited);
    holding.rollback().await.unwrap();
    reader.gone(&audited).await;
}
