//! Counts of leases are written as they come due, however many there are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keylease::domain::journal::JournalRecord;
use keylease::domain::time::Timestamp;
use keylease::live::journal::CountKey;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::harness::cluster::eventually;
use crate::harness::desk::Desk;

/// More than a batch holds.
const COUNTS: u128 = 5_000;

#[tokio::test]
async fn all_counts_are_written_at_once_with_their_keys_and_callers() {
    let desk = Desk::open().await;
    for number in 0..COUNTS {
        let key = CountKey {
            pool: Uuid::from_u128(1),
            version: Uuid::from_u128(number),
            caller: Uuid::from_u128(2),
        };
        let record = || JournalRecord {
            record_time: Timestamp::from_micros(0),
            pool: "pools/p".to_owned(),
            key: format!("accounts/a/keys/k{number}"),
            version: 1,
            caller: "callers/c".to_owned(),
            leases: 1,
            uses: 1,
            lease: String::new(),
            tags: String::new(),
        };
        let now = (key, Timestamp::from_micros(61_000_000));
        assert!(desk.vault.live().journal.count(now, 1, record));
    }
    let stop = CancellationToken::new();
    let began = Instant::now();
    let writing = tokio::spawn(Arc::clone(&desk.vault).write_journal(stop.clone()));
    let named =
        "select count(distinct key)::text from lease_journal where key <> '' and caller <> ''";
    let is_written = async || desk.rows(named).await == [COUNTS.to_string()];
    eventually("all counts are written", is_written).await;
    assert!(began.elapsed() < Duration::from_secs(5), "within one round");
    stop.cancel();
    writing.await.unwrap();
    assert!(desk.vault.verify_audit(&[]).await.unwrap().intact);
}
