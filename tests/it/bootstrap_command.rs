//! `keylease bootstrap`, as processes.

use std::{fs, path::PathBuf, process::Command};

use crate::harness::{
    postgres::{Database, new_folder},
    process::{keylease, texts},
};

/// A database and a master key.
struct Fresh {
    database: Database,
    folder: PathBuf,
}

impl Fresh {
    async fn new() -> Self {
        let folder = new_folder();
        fs::create_dir(&folder).unwrap();
        let fresh = Self {
            database: Database::create().await,
            folder,
        };
        fresh.make_master_key("master.key");
        fresh
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn make_master_key(&self, name: &str) {
        let path = self.path(name);
        let made = keylease(&["master-key", "generate", "--out", &path])
            .output()
            .unwrap();
        assert!(made.status.success());
    }

    fn bootstrap(&self, arguments: &[&str]) -> Command {
        let mut command = keylease(&["bootstrap"]);
        command
            .args(arguments)
            .env("KEYLEASE_DATABASE_URL", self.database.url())
            .env("KEYLEASE_MASTER_KEY_FILE", self.path("master.key"));
        command
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[tokio::test]
async fn it_prints_a_token_once_and_then_refuses_unless_told_to_recover() {
    let fresh = Fresh::new().await;
    let first = fresh.bootstrap(&[]).output().unwrap();
    let (token, log) = texts(&first);
    assert!(first.status.success(), "{log}");
    assert!(token.starts_with("kl_") && token.lines().count() == 1);
    assert!(!log.contains(token.trim()));

    let second = fresh.bootstrap(&[]).output().unwrap();
    let (nothing, error) = texts(&second);
    assert!(!second.status.success());
    assert_eq!(nothing, "");
    assert!(error.contains("--recover"), "{error}");

    let path = fresh.path("admin.token");
    let recover = ["--recover", "--token-file", &path];
    assert!(fresh.bootstrap(&recover).output().unwrap().status.success());
    let recovered = fs::read_to_string(&path).unwrap();
    assert!(recovered.starts_with("kl_") && recovered != token);
    let tokens: i64 = sqlx::query_scalar("select count(*) from tokens")
        .fetch_one(&fresh.database.pool)
        .await
        .unwrap();
    assert_eq!(tokens, 2);
    recovery_is_on_record(&fresh).await;

    // Found before anything is made.
    let again = fresh.bootstrap(&recover).output().unwrap();
    assert!(!again.status.success());
    assert!(texts(&again).1.contains("may hold a token"));
}

/// Whoever reads the audit sees that it was no bootstrap, by whom, and where.
async fn recovery_is_on_record(fresh: &Fresh) {
    let said = "select reason || ', ' || source from audit_records where method = 'CreateToken' order by sequence";
    let said: Vec<String> = sqlx::query_scalar(said)
        .fetch_all(&fresh.database.pool)
        .await
        .unwrap();
    let user = rustix::process::getuid().as_raw();
    let host = rustix::system::uname();
    let host = host.nodename().to_str().unwrap();
    let reasons = ["bootstrap", "bootstrap --recover"];
    assert_eq!(said.len(), reasons.len());
    for (said, reason) in said.iter().zip(reasons) {
        let by = format!("{reason}, the command line of user {user} (");
        assert!(said.starts_with(&by), "{said}");
        assert!(said.ends_with(&format!(") on {host}")), "{said}");
    }
}

#[tokio::test]
async fn another_master_key_is_refused_with_the_fingerprint_that_is_needed() {
    let fresh = Fresh::new().await;
    assert!(fresh.bootstrap(&[]).output().unwrap().status.success());
    fresh.make_master_key("other.key");
    let output = fresh
        .bootstrap(&["--recover"])
        .env("KEYLEASE_MASTER_KEY_FILE", fresh.path("other.key"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let needed: String = sqlx::query_scalar("select master_key_fingerprint from cluster")
        .fetch_one(&fresh.database.pool)
        .await
        .unwrap();
    let (_, error) = texts(&output);
    assert!(error.contains(&needed), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_refused_with_the_remedy() {
    let fresh = Fresh::new().await;
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&fresh.database.pool)
        .await
        .unwrap();
    let output = fresh.bootstrap(&[]).output().unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    assert!(error.contains("run `keylease migrate`"), "{error}");
}
