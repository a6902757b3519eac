//! `keylease migrate`, as processes.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};

use keylease::app::migrate;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::harness::{
    postgres::Database,
    process::{keylease, texts},
};

/// A database without a schema, and its URL.
async fn empty() -> (Database, String) {
    let database = Database::create().await;
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&database.pool)
        .await
        .unwrap();
    let url = database.url();
    (database, url)
}

#[tokio::test]
async fn it_applies_everything_once_however_many_run_at_the_same_time() {
    let (database, url) = empty().await;
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let mut command = keylease(&["migrate"]);
            command
                .env("KEYLEASE_DATABASE_URL", &url)
                .stdout(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut applied = 0;
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success());
        let (out, _) = texts(&output);
        applied += out
            .lines()
            .filter(|line| line.starts_with("applied"))
            .count();
        assert!(out.contains("the schema is at version"), "{out}");
    }
    assert_eq!(applied, migrate::MIGRATOR.iter().count());
    let mut connection = database.options.connect().await.unwrap();
    migrate::check(&mut connection).await.unwrap();
}

#[tokio::test]
async fn the_url_may_stand_in_a_file_but_not_in_two_places() {
    let (_database, url) = empty().await;
    let path = std::env::temp_dir().join(format!("keylease-url-{}", uuid::Uuid::new_v4()));
    let mut options = fs::OpenOptions::new();
    let file = options.create_new(true).write(true).mode(0o600).open(&path);
    writeln!(file.unwrap(), "{url}").unwrap();
    let mut command = keylease(&["migrate"]);
    let output = command
        .arg("--database-url-file")
        .arg(&path)
        .output()
        .unwrap();
    let (out, error) = texts(&output);
    assert!(out.contains("the schema is at version"), "{out}{error}");
    let output = command.env("KEYLEASE_DATABASE_URL", &url).output().unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    let both = "KEYLEASE_DATABASE_URL and KEYLEASE_DATABASE_URL_FILE are both set";
    assert!(error.contains(both), "{error}");
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn an_older_schema_is_named_with_the_remedy_and_a_newer_one_is_taken() {
    let database = Database::create().await;
    let mut connection = database.options.connect().await.unwrap();
    let newest = migrate::MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap();
    let set = |statement: String| AssertSqlSafe(statement);
    let insert =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)";
    let newer = format!("{insert} values ({}, 'later', true, '', 0)", newest + 1);
    sqlx::raw_sql(set(newer))
        .execute(&mut connection)
        .await
        .unwrap();
    migrate::check(&mut connection).await.unwrap();
    assert_eq!(migrate::apply(&mut connection).await.unwrap(), []);

    let older = format!("delete from _sqlx_migrations where version >= {newest}");
    sqlx::raw_sql(set(older))
        .execute(&mut connection)
        .await
        .unwrap();
    let error = migrate::check(&mut connection)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("run `keylease migrate`"), "{error}");
    connection.close().await.unwrap();
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let output = keylease(&["migrate", "--wait", "1s"])
        .env(
            "KEYLEASE_DATABASE_URL",
            "postgres://u:canary@127.0.0.1:1/vault",
        )
        .output()
        .unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    assert!(
        error.contains("can't reach database vault at 127.0.0.1:1"),
        "{error}"
    );
    assert!(error.contains("does not answer yet"), "{error}");
    assert!(!error.contains("canary"), "{error}");
}
