//! What a restored dump brought back: told by a replica that ran on, or by a mark that was kept.

use std::fs;

use keylease::proto;
use sqlx::AssertSqlSafe;

use crate::harness::cluster::{Cluster, eventually};
use crate::harness::postgres::new_folder;

async fn sql(cluster: &Cluster, statements: &str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&cluster.database.pool);
    ran.await.unwrap();
}

/// What a dump of now would hold.
const DUMP: &str = "create table old_secrets as select * from secrets; create table old_versions as select * from key_versions;
    create table old_keys as select * from keys; create table old_cluster as select * from cluster;
    create table old_pools as select * from pools; create table old_members as select * from pool_members;
    create table old_records as select * from audit_records; create table old_chains as select * from audit_chains";
/// Restores that.
const RESTORE: &str = "begin; insert into keys select * from old_keys on conflict do nothing; update keys k set rev = o.rev from old_keys o where o.uid = k.uid;
    delete from rotations; delete from deletions; delete from secrets; delete from key_versions;
    insert into key_versions select * from old_versions; insert into secrets select * from old_secrets;
    insert into pools select * from old_pools on conflict do nothing; insert into pool_members select * from old_members on conflict do nothing;
    delete from audit_chains; insert into audit_chains select * from old_chains;
    delete from audit_records; insert into audit_records overriding system value select * from old_records;
    update cluster set rev = (select rev from old_cluster); commit";

#[tokio::test]
async fn a_broken_audit_is_wrong_and_makes_no_mark() {
    let (mut cluster, admin, _) = Cluster::serving(&["a"], "p").await;
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let mark = folder.join("mark").to_str().unwrap().to_owned();
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    cluster.replicas.clear();
    assert!(cluster.doctor(&["--mark", &mark]).is_well());
    let kept = fs::read_to_string(&mark).unwrap();
    sql(
        &cluster,
        "delete from audit_records where sequence = (select max(sequence) from audit_records)",
    )
    .await;
    let found = cluster.doctor(&["--mark", &mark]);
    assert_eq!(found.count("audit_not_intact"), 1, "{}", found.text());
    assert_eq!(fs::read_to_string(&mark).unwrap(), kept);
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_a_restored_dump_brought_back_is_told_by_the_mark_of_an_earlier_look() {
    let (mut cluster, admin, _) = Cluster::serving(&["a", "b"], "p").await;
    let folder = new_folder();
    fs::create_dir(&folder).unwrap();
    let mark = folder.join("mark").to_str().unwrap().to_owned();
    sql(&cluster, DUMP).await;
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    cluster.replicas.clear();
    let first = cluster.doctor(&["--mark", &mark]);
    assert!(first.is_well(), "{}", first.text());
    assert!(cluster.doctor(&["--mark", &mark]).is_well());
    // All of it is as it was before the rotation.
    sql(&cluster, RESTORE).await;
    for _ in 0..2 {
        let found = cluster.doctor(&["--mark", &mark]);
        assert_eq!(
            (found.count("went_back"), found.count("version_back")),
            (1, 1),
            "{}",
            found.text()
        );
        assert!(
            found.text().contains("accounts/a/keys/k/versions/1"),
            "{}",
            found.text()
        );
    }
    // Nobody makes a mark that silences it.
    let forged = fs::read_to_string(&mark)
        .unwrap()
        .replacen("\"rev\":", "\"rev\":1", 1);
    fs::write(&mark, forged).unwrap();
    let kept = fs::read_to_string(&mark).unwrap();
    let found = cluster.doctor(&["--mark", &mark]);
    assert!(found.text().contains("was changed"), "{}", found.text());
    assert!(!found.is_well() && fs::read_to_string(&mark).unwrap() == kept);
    fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn what_a_restored_dump_brought_back_is_told_by_a_replica_that_ran_on() {
    let (cluster, admin, _) = Cluster::serving(&["a", "b"], "p").await;
    sql(&cluster, DUMP).await;
    admin.rotate("accounts/a/keys/k", "sk-new").await;
    let request = proto::DeletePoolRequest {
        name: "pools/p".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_pool(request).await.unwrap();
    let request = proto::DeleteKeyRequest {
        name: "accounts/b/keys/k".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_key(request).await.unwrap();
    cluster.settled().await;
    sql(&cluster, RESTORE).await;
    let noted = async || {
        let rows: i64 = sqlx::query_scalar("select count(*) from setbacks")
            .fetch_one(&cluster.database.pool)
            .await
            .unwrap();
        rows > 0
    };
    eventually("the replica has seen it", noted).await;
    assert!(
        cluster.replicas[0]
            .said()
            .contains("the database went back in time")
    );
    let found = cluster.doctor(&[]);
    assert_eq!(found.count("version_back"), 2, "{}", found.text());
    assert!(
        found.text().contains("accounts/a/keys/k/versions/1")
            && found.text().contains("accounts/b/keys/k/versions/1")
    );
    // Once the key is rotated and the other deleted again, nothing is back any more. That records are gone stays so.
    let request = proto::RotateKeyRequest {
        name: "accounts/a/keys/k".to_owned(),
        secret: Some(crate::harness::setup::secret("sk-newer")),
        revoke_previous_now: true,
        ..Default::default()
    };
    admin.admin.clone().rotate_key(request).await.unwrap();
    let request = proto::DeleteKeyRequest {
        name: "accounts/b/keys/k".to_owned(),
        ..Default::default()
    };
    admin.admin.clone().delete_key(request).await.unwrap();
    let found = cluster.doctor(&[]);
    assert_eq!(found.count("audit_not_intact"), 1);
    assert_eq!(found.report["counts"].as_object().unwrap().len(), 1);
}
