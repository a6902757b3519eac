//! What leases leave of their blocks comes back in time, though nobody asks for more.

use std::time::Duration;

use keylease::proto::{Estimate, LeaseKeyRequest};

use crate::harness::client::of;
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::setup::{span, tokens};

const DAY: Duration = Duration::from_hours(24);

/// The second block, which demand asks for, is on its way while the first has just been used up: for each account in a race of its own.
#[tokio::test]
async fn a_block_that_comes_when_nothing_else_is_open_is_closed_in_time() {
    let cluster = Cluster::start().await;
    let admin = cluster.admin().await;
    let accounts: Vec<String> = (0..16).map(|number| format!("a{number}")).collect();
    for account in &accounts {
        admin.create_account_and_key(account).await;
        admin.create_limit(account, tokens(5_000, DAY)).await;
        admin.create_pool(account, &[account]).await;
    }
    let token = admin.create_lessee("search", "a*").await;
    let caller = cluster.client(0, &token).await;
    cluster.settled().await;
    for account in &accounts {
        let request = LeaseKeyRequest {
            estimate: Some(Estimate {
                input_tokens: 4_000,
                ..Default::default()
            }),
            max_wait: Some(span(Duration::from_secs(50))),
            ..of(account)
        };
        caller.ask(request).await.unwrap();
    }
    let query = "select count(*) from limit_blocks where not closed";
    let closed = async || {
        let open = sqlx::query_scalar::<_, i64>(query).fetch_one(&cluster.database.pool);
        open.await.unwrap() == 0
    };
    eventually("all blocks are closed", closed).await;
}
