//! Sealed rows that were cut, flipped, moved or put back: a lease is refused, and never gets another plaintext.

use keylease::proto::RefusalReason::Undecryptable;
use tonic::Code;

use crate::harness::client::of;
use crate::harness::raided::Raided;

#[tokio::test]
async fn no_edit_of_a_sealed_row_ever_gives_another_plaintext() {
    let raided = Raided::new().await;
    raided.edit("create table kept as select * from secrets; create table kept_versions as select * from key_versions").await;
    let restore = "delete from secrets; insert into secrets select * from kept;
        update key_versions v set sealed_hosts = k.sealed_hosts, number = k.number from kept_versions k where k.uid = v.uid";
    for edit in [
        "update secrets set ciphertext = substring(ciphertext for length(ciphertext) - 1)",
        "update secrets set ciphertext = substring(ciphertext for 45)",
        "update secrets set ciphertext = ''",
        "update secrets set ciphertext = ciphertext || ciphertext",
        "update secrets set wrapped_dek = ''",
        "update secrets set wrapped_dek = substring(wrapped_dek for 60)",
        "update secrets set ciphertext = set_byte(ciphertext, 0, 0)",
        "update secrets set ciphertext = set_byte(ciphertext, 10, 1 # get_byte(ciphertext, 10))",
        "update secrets set ciphertext = set_byte(ciphertext, 40, 1 # get_byte(ciphertext, 40))",
        "update secrets set ciphertext = set_byte(ciphertext, 46, 1 # get_byte(ciphertext, 46))",
        "update secrets set ciphertext = set_byte(ciphertext, length(ciphertext) - 1, 1 # get_byte(ciphertext, length(ciphertext) - 1))",
        "update secrets set wrapped_dek = ciphertext, ciphertext = wrapped_dek",
        "update secrets set field = 'other'",
        "update secrets set master_key_fingerprint = 'mk_00000000000000aa'",
        "update key_versions set number = number + 1",
        "update key_versions set sealed_hosts = sealed_hosts || '{evil.example}'",
        "update secrets s set ciphertext = o.ciphertext, wrapped_dek = o.wrapped_dek, fingerprint = o.fingerprint
            from kept o where o.version_uid <> s.version_uid",
    ] {
        raided.edit(edit).await;
        for pool in ["pool-a", "pool-b"] {
            let refused = raided.honest.refused(of(pool)).await;
            let refused = refused.is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
            assert_eq!(refused.total(), 1, "{edit}");
        }
        raided.edit(restore).await;
        for account in ["a", "b"] {
            let lease = raided.honest.lease(&format!("pool-{account}")).await;
            assert_eq!(lease.credential.unwrap().fields["value"], format!("sk-{account}"), "{edit}");
        }
    }
}

#[tokio::test]
async fn the_rows_of_an_older_version_do_not_open_as_the_current_one() {
    let mut raided = Raided::new().await;
    raided
        .edit("create table older as select * from secrets")
        .await;
    raided
        .cluster
        .admin()
        .await
        .rotate("accounts/a/keys/k", "sk-a-new")
        .await;
    let rolled_back = "update secrets s set wrapped_dek = o.wrapped_dek, ciphertext = o.ciphertext, fingerprint = o.fingerprint
        from older o, key_versions old, key_versions new
        where o.version_uid = old.uid and old.key_uid = new.key_uid and s.version_uid = new.uid and new.number = 2 and old.number = 1";
    raided.edit(rolled_back).await;
    raided.serves_nothing("pool-a", Undecryptable).await;
    let found = raided.cluster.doctor(&[]);
    assert_eq!(found.count("secret_unopened"), 1, "{}", found.text());
    assert!(
        found.text().contains("accounts/a/keys/k/versions/2"),
        "{}",
        found.text()
    );
}
