//! The master key is rotated while replicas serve: added, promoted, everything wrapped anew, and the old one retired.

use keylease::crypto::MasterKey;
use keylease::proto::{self, RewrapState};
use tonic::Code;

use crate::harness::client::of;
use crate::harness::cluster::eventually;
use crate::harness::process::{keylease, texts};
use crate::harness::refusal::Refusal;
use crate::harness::ringed::Ringed;

fn refused(answer: Result<(), tonic::Status>) -> String {
    let status = answer.unwrap_err();
    Refusal::of(&status).is(Code::FailedPrecondition, "STATE_FORBIDS");
    status.message().to_owned()
}

#[tokio::test]
async fn a_master_key_is_rotated_online_and_the_old_one_may_go() {
    let mut ringed = Ringed::new(2, 3).await;
    let (old, new) = (ringed.first(), MasterKey::generate().unwrap());
    let new_print = new.fingerprint().to_string();
    assert!(ringed.key(&old).await.unwrap().promoted);
    let unknown = refused(ringed.promote(&new).await);
    assert!(unknown.contains("does not hold it"), "{unknown}");
    // One replica has it, and the other is named.
    ringed.mount(0, &[&new]);
    ringed.held_by(&new, 1).await;
    let other = ringed.cluster.replicas[1].address.to_string();
    let lacking = refused(ringed.promote(&new).await);
    assert!(lacking.contains(&other), "{lacking}");
    assert_eq!(ringed.key(&new).await.unwrap().missing_at, [other]);
    ringed.mount(1, &[&new]);
    ringed.held_by(&new, 2).await;
    ringed.promote(&new).await.unwrap();

    let admin = ringed.admin().await;
    admin.create_key("a0", "second", "sk-second").await;
    let request = proto::GetKeyVersionRequest {
        name: "accounts/a0/keys/second/versions/1".to_owned(),
    };
    let version = admin.admin.clone().get_key_version(request).await.unwrap();
    let version = version.into_inner().key_version.unwrap();
    assert_eq!(version.master_key_fingerprint, new_print);
    let needed = refused(ringed.retire(&old, Some(0)).await);
    assert!(needed.contains("3 secrets and the cluster key"), "{needed}");
    everything_moves(&ringed, &old, &new).await;

    let token = admin.create_lessee("search", "p").await;
    ringed.cluster.settled().await;
    for replica in 0..2 {
        let caller = ringed.cluster.client(replica, &token).await;
        caller.lease("p").await;
    }
}

/// Everything is wrapped with the new key, four secrets and the cluster key, and the old one is retired.
async fn everything_moves(ringed: &Ringed, old: &MasterKey, new: &MasterKey) {
    let (old_print, new_print) = (old.fingerprint().to_string(), new.fingerprint().to_string());
    ringed.rewrap(0).await;
    let rewrap = ringed.rewrapped().await;
    assert_eq!(
        (rewrap.state(), rewrap.fingerprint.as_str()),
        (RewrapState::Done, new_print.as_str())
    );
    assert_eq!((rewrap.total, rewrap.rewrapped, rewrap.failed), (3, 3, 0));
    let key = ringed.key(new).await.unwrap();
    // Four secrets and the cluster key.
    assert_eq!(
        (key.secrets, key.wraps_cluster_key, key.wraps),
        (4, true, 5)
    );
    let early = refused(ringed.retire(old, None).await);
    assert!(early.contains("backups may need it"), "{early}");
    let promoted = refused(ringed.retire(new, Some(0)).await);
    assert!(promoted.contains("it is promoted"), "{promoted}");
    ringed.retire(old, Some(0)).await.unwrap();
    // It is still mounted, and nobody holds it any more.
    ringed.held_by(old, 0).await;
    assert!(refused(ringed.promote(old).await).contains("it is retired"));

    let said = audit(ringed).await;
    for word in [
        "PromoteMasterKey",
        "RewrapKeys",
        "RetireMasterKey",
        "the yearly rotation",
        &old_print,
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

async fn audit(ringed: &Ringed) -> String {
    let request = proto::ListAuditRecordsRequest {
        resource: "masterKeys".to_owned(),
        ..Default::default()
    };
    let mut admin = ringed.admin().await.admin;
    let records = admin.list_audit_records(request).await.unwrap();
    format!("{:?}", records.into_inner().records)
}

#[tokio::test]
async fn a_replica_without_the_promoted_key_does_not_start_and_says_which_it_needs() {
    let mut ringed = Ringed::new(1, 1).await;
    let new = MasterKey::generate().unwrap();
    ringed.mount(0, &[&new]);
    ringed.held_by(&new, 1).await;
    ringed.promote(&new).await.unwrap();
    let mut serve = keylease(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "off",
    ]);
    serve
        .env("KEYLEASE_DATABASE_URL", ringed.cluster.database.url())
        .env("KEYLEASE_MASTER_KEY_FILE", ringed.cluster.master_key());
    let (_, said) = texts(&serve.output().unwrap());
    assert!(said.contains(&new.fingerprint().to_string()), "{said}");
    // One that has it serves.
    ringed.cluster.replicas.clear();
    ringed.start_replica(0).await;
    let token = ringed.admin().await.create_lessee("search", "p").await;
    ringed.cluster.client(0, &token).await.lease("p").await;
}

#[tokio::test]
async fn a_key_that_is_needed_is_held_though_it_was_taken_out_and_bad_files_change_nothing() {
    let mut ringed = Ringed::new(1, 1).await;
    let new = MasterKey::generate().unwrap();
    ringed.mount(0, &[&new]);
    ringed.held_by(&new, 1).await;
    ringed.promote(&new).await.unwrap();
    ringed.mount(0, &[]);
    let told = async || {
        ringed.cluster.replicas[0]
            .said()
            .contains("a master key was taken out that")
    };
    eventually("it is told", told).await;
    assert_eq!(ringed.key(&new).await.unwrap().holding, 1);
    ringed
        .admin()
        .await
        .create_key("a0", "second", "sk-second")
        .await;
    let token = ringed.admin().await.create_lessee("search", "p").await;
    assert!(
        ringed
            .cluster
            .client(0, &token)
            .await
            .ask(of("p"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_command_shows_rotates_and_says_it_as_json() {
    let mut ringed = Ringed::new(1, 2).await;
    let new = MasterKey::generate().unwrap();
    ringed.mount(0, &[&new]);
    ringed.held_by(&new, 1).await;
    let print = new.fingerprint().to_string();
    let run = |arguments: &[&str]| {
        let mut command = keylease(&["master-key"]);
        command
            .args(arguments)
            .env(
                "KEYLEASE_SERVER",
                format!("http://{}", ringed.cluster.replicas[0].address),
            )
            .env("KEYLEASE_TOKEN", &ringed.cluster.admin_token);
        let output = command.output().unwrap();
        (output.status.code(), texts(&output))
    };
    let (code, (out, _)) = run(&["promote", &print, "--reason", "audit"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("promoted") && out.contains("1 of 1"), "{out}");
    assert_eq!(run(&["rewrap", "--rate-max", "500"]).0, Some(0));
    ringed.rewrapped().await;
    let (_, (out, _)) = run(&["status"]);
    assert!(
        out.contains("2 of 2 data keys moved, at most 500 a second; it is done"),
        "{out}"
    );
    let (_, (out, _)) = run(&["status", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["rewrap"]["state"], "REWRAP_STATE_DONE");
    let (code, (_, error)) = run(&["retire", &print]);
    assert_eq!(code, Some(1));
    assert!(error.contains("promote another first"), "{error}");
    let (code, (_, error)) = run(&["promote", "mk_canary"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("fingerprint"), "{error}");
    assert_eq!(run(&["cancel-rewrap"]).0, Some(1));
    let old = ringed.first().fingerprint().to_string();
    assert_eq!(run(&["retire", &old, "--retention", "0s"]).0, Some(0));
}
