//! `keylease doctor` on real databases: what is well is said to be well, and every edit is found and named.

use std::fs;

use sqlx::AssertSqlSafe;

use crate::harness::cluster::Cluster;
use crate::harness::postgres::new_folder;
use crate::harness::process::keylease;

/// A cluster of two accounts, a pool and callers; its replica has ended, so that nothing changes but by the test.
async fn at_rest() -> Cluster {
    let (mut cluster, admin, caller) = Cluster::serving(&["a", "b"], "p").await;
    admin.rotate("accounts/b/keys/k", "sk-b-new").await;
    caller.lease("p").await;
    cluster.replicas.clear();
    sql(
        &cluster,
        "create table kept_secrets as select * from secrets; create table kept_versions as select * from key_versions;
        create table kept_cluster as select * from cluster",
    )
    .await;
    cluster
}

async fn sql(cluster: &Cluster, statements: &str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&cluster.database.pool);
    ran.await.unwrap();
}

/// Secrets and versions as they were.
const RESTORE: &str = "delete from secrets; insert into secrets select * from kept_secrets;
    update key_versions v set sealed_hosts = k.sealed_hosts, stage = k.stage, number = k.number from kept_versions k where k.uid = v.uid";

#[tokio::test]
async fn a_vault_that_is_well_is_said_to_be_well() {
    let cluster = at_rest().await;
    let well = cluster.doctor(&[]);
    assert!(well.is_well(), "{}", well.text());
    assert_eq!(well.report["secrets"], 3);
    assert!(
        well.report["rows"].as_u64().unwrap() >= 10,
        "{}",
        well.text()
    );
    assert!(
        well.text().contains("--mark FILE"),
        "it says what it could not see"
    );
    let mut command = cluster.command("doctor");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("nothing is wrong, as far as could be seen")
    );
}

#[tokio::test]
async fn a_counter_of_wraps_that_went_back_is_warned_of() {
    let cluster = at_rest().await;
    assert!(!cluster.doctor(&[]).text().contains("have wrapped"));
    sql(&cluster, "update master_keys set wraps = 0").await;
    let warned = cluster.doctor(&[]);
    let warning = "is said to have wrapped 0 times, and 4 things are wrapped with it";
    assert!(warned.text().contains(warning), "{}", warned.text());
}

/// Edits of sealed rows, what they are found as, and how often.
const SEALED_EDITS: &[(&str, &str, u64)] = &[
    (
        "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext from kept_secrets o where o.version_uid <> s.version_uid",
        "secret_unopened",
        3,
    ),
    (
        "update secrets s set ciphertext = o.ciphertext from kept_secrets o where o.version_uid <> s.version_uid",
        "secret_unopened",
        3,
    ),
    (
        "update secrets set ciphertext = substring(ciphertext for 60)",
        "secret_unopened",
        3,
    ),
    ("update secrets set ciphertext = ''", "secret_unopened", 3),
    (
        "update secrets set ciphertext = ciphertext || '\\x00'",
        "secret_unopened",
        3,
    ),
    (
        "update secrets set wrapped_dek = substring(wrapped_dek for 92)",
        "secret_unopened",
        3,
    ),
    (
        "update secrets set wrapped_dek = set_byte(wrapped_dek, 0, 2)",
        "secret_unopened",
        3,
    ),
    (
        "update secrets set ciphertext = set_byte(ciphertext, 1, 1 # get_byte(ciphertext, 1))",
        "secret_unopened",
        3,
    ),
    ("update secrets set field = 'token'", "secret_unopened", 3),
    (
        "update key_versions set sealed_hosts = '{evil.example}'",
        "secret_unopened",
        3,
    ),
    (
        "update key_versions set number = number + 7",
        "secret_unopened",
        3,
    ),
    (
        "update secrets set master_key_fingerprint = 'canary'",
        "secret_unopened",
        3,
    ),
    (
        "update secrets set master_key_fingerprint = 'mk_00000000000000aa'",
        "master_key_missing",
        1,
    ),
    ("delete from secrets", "secret_gone", 3),
];

#[tokio::test]
async fn every_edit_of_a_sealed_row_is_found_and_named() {
    let cluster = at_rest().await;
    for (edit, kind, count) in SEALED_EDITS {
        sql(&cluster, edit).await;
        let found = cluster.doctor(&[]);
        assert_eq!(found.count(kind), *count, "{edit}: {}", found.text());
        assert_eq!(
            found.report["counts"].as_object().unwrap().len(),
            1,
            "{edit}: {}",
            found.text()
        );
        assert!(!found.text().contains("sk-"), "no part of a secret");
        sql(&cluster, RESTORE).await;
    }
    assert!(cluster.doctor(&[]).is_well());
}

/// Edits of rows under a MAC, what undoes them, and how they are named.
const MAC_EDITS: &[(&str, &str, &str)] = &[
    (
        "update accounts set base_url = 'https://evil.example/v1' where id = 'a'",
        "update accounts set base_url = (select base_url from accounts where id = 'b') where id = 'a'",
        "accounts/a",
    ),
    (
        "update keys set id = 'x' where account_uid = (select uid from accounts where id = 'b')",
        "update keys set id = 'k'",
        "accounts/b/keys/x",
    ),
    (
        "update pools set strategy = 'weighted'",
        "update pools set strategy = 'round_robin'",
        "pools/p",
    ),
    (
        "update pool_members set weight = weight + 1",
        "update pool_members set weight = weight - 1",
        "member accounts/a of pools/p",
    ),
    (
        "update callers set id = 'root' where id = 'search'",
        "update callers set id = 'search' where id = 'root'",
        "callers/root",
    ),
    (
        "update grants set role = 'admin', pool_pattern = '' where role = 'lessee'",
        "update grants set role = 'lessee', pool_pattern = 'p' where caller_uid = (select uid from callers where id = 'search')",
        "of callers/search",
    ),
    (
        "update tokens set expire_time = now()",
        "update tokens set expire_time = null",
        "token ",
    ),
    (
        "update cluster set promoted_master_key = 'mk_00000000000000aa'",
        "update cluster set promoted_master_key = (select promoted_master_key from kept_cluster)",
        "the promoted master key",
    ),
];

#[tokio::test]
async fn every_edit_of_a_row_under_a_mac_is_found_and_named() {
    let cluster = at_rest().await;
    for (edit, undo, named) in MAC_EDITS {
        sql(&cluster, edit).await;
        let found = cluster.doctor(&[]);
        assert!(found.count("mac_wrong") > 0, "{edit}: {}", found.text());
        assert!(found.text().contains(named), "{edit}: {}", found.text());
        sql(&cluster, undo).await;
        let well = cluster.doctor(&[]);
        assert!(well.is_well(), "{undo}: {}", well.text());
    }
    sql(
        &cluster,
        "update pools set strategy = 'round_robin', dead_ttl_ms = -5",
    )
    .await;
    sql(
        &cluster,
        "update cluster set wrapped_key = set_byte(wrapped_key, 70, 1 # get_byte(wrapped_key, 70))",
    )
    .await;
    let found = cluster.doctor(&[]);
    assert_eq!(found.count("cluster_key_unusable"), 1);
    assert!(
        found
            .text()
            .contains("the MACs of rows: they need the cluster key"),
        "{}",
        found.text()
    );
}

#[tokio::test]
async fn without_the_master_key_it_says_which_is_missing_and_what_it_could_not_look_at() {
    let cluster = at_rest().await;
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let other = folder.join("other.key").to_str().unwrap().to_owned();
    let made = keylease(&["master-key", "generate", "--out", &other])
        .output()
        .unwrap();
    assert!(made.status.success());
    let found = cluster.doctor_with(&other, &[]);
    assert_eq!(found.count("master_key_missing"), 2, "{}", found.text());
    let wanted: String = sqlx::query_scalar("select master_key_fingerprint from cluster")
        .fetch_one(&cluster.database.pool)
        .await
        .unwrap();
    assert!(
        found.text().contains(&wanted) && found.text().contains("3 secrets need it"),
        "{}",
        found.text()
    );
    fs::remove_dir_all(&folder).unwrap();
}
