//! A dump and the master key are a vault on another machine; a dump alone is worth nothing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use keylease::crypto::{KeyRing, MasterKey};
use keylease::vault::VaultKeys;

use crate::harness::client::Client;
use crate::harness::cluster::Cluster;
use crate::harness::postgres::{Database, new_folder};
use crate::harness::process::{keylease, texts};
use crate::harness::replica::Replica;

/// Where the tools of PostgreSQL are.
fn tool(name: &str) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo/postgres");
    let output = Command::new("sh").arg(script).output().unwrap();
    let (folder, error) = texts(&output);
    assert!(output.status.success(), "{error}");
    Command::new(PathBuf::from(folder.trim()).join(name))
}

fn ran(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", texts(&output).1);
}

/// The dump of a database, restored into an empty one on a server of its own.
async fn restored(source: &Database, dump: &str) -> Database {
    ran(tool("pg_dump")
        .args(["--no-owner", "--no-privileges", "--file", dump])
        .arg(source.url()));
    let target = Database::create_alone().await;
    let empty = "drop schema public cascade; create schema public";
    sqlx::raw_sql(empty).execute(&target.pool).await.unwrap();
    ran(tool("psql")
        .args([
            "--quiet",
            "--no-psqlrc",
            "--set",
            "ON_ERROR_STOP=1",
            "--file",
            dump,
        ])
        .arg(target.url()));
    target
}

fn serve(database: &Database, master_key: &str) -> Command {
    let mut command = keylease(&["serve"]);
    command
        .env("KEYLEASE_DATABASE_URL", database.url())
        .env("KEYLEASE_MASTER_KEY_FILE", master_key)
        .env("KEYLEASE_LISTEN", "127.0.0.1:0")
        .env("KEYLEASE_METRICS_LISTEN", "127.0.0.1:0")
        .env("KEYLEASE_FAILOVER_LOSS_MAX", "none")
        .env("KEYLEASE_LOG_FORMAT", "json");
    command
}

/// Nobody opens the restored database with a master key of their own, by whatever name.
async fn opens_for_no_stranger(other: &Database, stranger: &str) {
    let wanted: String = sqlx::query_scalar("select master_key_fingerprint from cluster")
        .fetch_one(&other.pool)
        .await
        .unwrap();
    ran(&mut keylease(&[
        "master-key",
        "generate",
        "--out",
        stranger,
    ]));
    let (_, said) = texts(&serve(other, stranger).output().unwrap());
    assert!(said.contains(&wanted), "{said}");
    let key = MasterKey::parse(&fs::read_to_string(stranger).unwrap()).unwrap();
    let rename = |print: &str| {
        format!(
            "update cluster set master_key_fingerprint = '{print}'; update secrets set master_key_fingerprint = '{print}'"
        )
    };
    let renamed = sqlx::AssertSqlSafe(rename(&key.fingerprint().to_string()));
    sqlx::raw_sql(renamed).execute(&other.pool).await.unwrap();
    let ring = KeyRing::new(key, vec![]).unwrap();
    let refused = VaultKeys::open(&other.pool, ring).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("the cluster key does not open"),
        "{refused}"
    );
    let undo = sqlx::AssertSqlSafe(rename(&wanted));
    sqlx::raw_sql(undo).execute(&other.pool).await.unwrap();
}

#[tokio::test]
async fn a_dump_and_the_master_key_serve_elsewhere_and_the_dump_alone_opens_nothing() {
    let (mut cluster, admin, _) = Cluster::serving(&["a", "b"], "p").await;
    let token = admin.create_token("search").await.text;
    admin.rotate("accounts/a/keys/k", "sk-a-new").await;
    cluster.replicas.clear();
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let other = restored(&cluster.database, &file("dump.sql")).await;

    // Neither a secret nor a token lies open in the dump, nor as hex, which is how it writes bytes.
    let dump = fs::read_to_string(file("dump.sql")).unwrap();
    assert!(dump.contains("api.openai.com"), "it holds what it should");
    for secret in ["sk-a", "sk-a-new", "sk-b", &token, &cluster.admin_token] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!dump.contains(secret) && !dump.contains(&hex));
    }
    opens_for_no_stranger(&other, &file("stranger.key")).await;

    // With the master key it is the vault that it was, down to the callers' tokens.
    let master_key = file("master.key");
    fs::copy(cluster.master_key(), &master_key).unwrap();
    drop(cluster);
    let replica = Replica::start(serve(&other, &master_key)).await;
    let caller = Client::connect(replica.address, &token).await;
    let mut values: Vec<String> = Vec::new();
    for _ in 0..2 {
        let lease = caller.lease("p").await;
        values.push(lease.credential.unwrap().fields["value"].clone());
    }
    values.sort();
    assert_eq!(values, ["sk-a-new", "sk-b"]);
    drop(replica);
    fs::remove_dir_all(&folder).unwrap();
}
