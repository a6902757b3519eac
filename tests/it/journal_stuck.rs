//! A journal that the database does not take while all else works: people are told, however little waits to be written.

use keylease::proto::{AlertKind, JournalMode};
use tonic::Code;

use crate::alert_kinds::open;
use crate::harness::audited::{Audited, set_journal};
use crate::harness::client::{Client, of};
use crate::harness::cluster::{Cluster, eventually};

/// A vault whose alerts are soon over, and clients of its administrator and of a lessee of `p`.
async fn serving(mode: JournalMode) -> (Audited, Client, Client) {
    let mut cluster = Cluster::of(0).await;
    cluster
        .add_with(&[("KEYLEASE_ALERT_RESOLVE_AFTER", "15s")])
        .await;
    let admin = cluster.admin().await;
    admin.create_account_and_key("a").await;
    admin.create_pool("p", &["a"]).await;
    set_journal(&admin, mode).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let caller = cluster.client(0, &token).await;
    (Audited { cluster }, admin, caller)
}

async fn is_told(admin: &Client) -> bool {
    let open = open(admin).await;
    let mut open = open.iter();
    open.any(|alert| alert.kind() == AlertKind::JournalBehind)
}

#[tokio::test]
async fn while_strict_leases_are_refused_for_it_an_alert_is_open_and_the_log_tells_why_once() {
    let (audited, admin, caller) = serving(JournalMode::Strict).await;
    caller.lease("p").await;
    // Such as a server that takes no writes: nothing here is wrong, and it is tried again.
    let barred =
        "create function barred() returns trigger language plpgsql as $$ begin
            raise exception 'the disk is full of cats' using errcode = '25006'; end $$;
        create trigger barred before insert on lease_journal for each row execute function barred()";
    audited.edit(barred).await;
    eventually("people are told", async || {
        let refused = caller.refused(of("p")).await;
        refused.is(Code::Unavailable, "JOURNAL_BEHIND");
        is_told(&admin).await
    })
    .await;
    let said = audited.cluster.replicas[0].said();
    // Errors of the database are logged where they become refusals, too.
    let by = ["keylease::vault::error", "keylease::vault::audit::leases"];
    let is_logged = |line: &&str| line.contains("WARN") && by.iter().any(|by| line.contains(by));
    let lines: Vec<_> = said.lines().filter(is_logged).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("the journal of leases"), "{lines:?}");
    assert!(lines[0].contains("full of cats"), "{lines:?}");
    audited.edit("drop trigger barred on lease_journal").await;
    eventually("it leases again", async || {
        caller.ask(of("p")).await.is_ok()
    })
    .await;
    eventually("it is over", async || !is_told(&admin).await).await;
    audited.is_intact();
}

#[tokio::test]
async fn what_a_full_journal_does_not_take_is_counted_however_few_wait() {
    let (audited, admin, caller) = serving(JournalMode::Full).await;
    let rename = "alter table lease_journal rename to away";
    audited.edit(rename).await;
    let replica = &audited.cluster.replicas[0];
    let given = parking_lot::Mutex::new(0);
    eventually("leases are counted", async || {
        caller.lease("p").await;
        *given.lock() += 1;
        let counted = replica.metric("keylease_journal_degraded_total").await;
        counted.is_some_and(|count| count > 0.0)
    })
    .await;
    eventually("people are told", async || is_told(&admin).await).await;
    audited
        .edit("alter table away rename to lease_journal")
        .await;
    let given = i64::from(*given.lock());
    let written = "select sum(leases)::bigint || ' ' || count(distinct kind) from lease_journal";
    let wanted = format!("{given} 2");
    eventually("every lease is recorded or counted", async || {
        let told = sqlx::query_scalar::<_, Option<String>>(written);
        let told = told.fetch_one(&audited.cluster.database.pool).await;
        told.unwrap().as_deref() == Some(&*wanted)
    })
    .await;
    audited.is_intact();
}
