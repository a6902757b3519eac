//! Servers whose defaults would break the ledger: what it needs is set by each of its transactions.

use std::time::Duration;

use crate::harness::client::of;
use crate::harness::cluster::Cluster;
use crate::harness::setup::{MINUTE, requests};

/// What each transaction is that charges something, as the server sees it.
const NOTE: &str = "
    create table noted (isolation text, durability text, mode text);
    create function note() returns trigger language plpgsql as $$ begin
        insert into noted values (current_setting('transaction_isolation'), current_setting('synchronous_commit'),
            current_setting('transaction_read_only'));
        return new;
    end $$;
    create trigger note before insert or update on limit_blocks for each row execute function note();
    create trigger note before insert or update on replicas for each row execute function note()";

/// With snapshots that are older than the lock, 10 of 5 were granted once; commits that nobody waits for, were lost.
#[tokio::test]
async fn the_ledger_reads_what_was_committed_and_waits_for_its_commits_whatever_the_server_does() {
    let mut cluster = Cluster::start().await;
    let pool = &cluster.database.pool;
    sqlx::raw_sql(NOTE).execute(pool).await.unwrap();
    let defaults = "do $$ begin
        execute format('alter database %I set default_transaction_isolation = ''repeatable read''', current_database());
        execute format('alter database %I set synchronous_commit = off', current_database());
    end $$";
    sqlx::raw_sql(defaults).execute(pool).await.unwrap();
    // Their connections are newer than the defaults.
    cluster.add().await;
    cluster.add().await;
    let admin = cluster.client(1, &cluster.admin_token).await;
    admin.create_account_and_key("a").await;
    admin.create_limit("a", requests(5, MINUTE)).await;
    admin.create_pool("p", &["a"]).await;
    let token = admin.create_lessee("search", "p").await;
    cluster.settled().await;
    let callers = [
        cluster.client(1, &token).await,
        cluster.client(2, &token).await,
    ];
    let mut given = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(4);
    while tokio::time::Instant::now() < deadline {
        let (one, other) = tokio::join!(callers[0].ask(of("p")), callers[1].ask(of("p")));
        given += usize::from(one.is_ok()) + usize::from(other.is_ok());
    }
    assert_eq!(given, 5);
    let pool = &cluster.database.pool;
    let noted = sqlx::query_as("select distinct isolation, durability, mode from noted");
    let noted: Vec<(String, String, String)> = noted.fetch_all(pool).await.unwrap();
    let right = ["read committed", "on", "off"].map(str::to_owned);
    assert_eq!(noted, [right.into()]);
}
