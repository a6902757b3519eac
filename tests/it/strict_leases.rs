//! A lease of a strict pool waits for its record: whatever was taken out meanwhile is not handed out.

use std::time::Duration;

use keylease::proto::{DisableCallerRequest, JournalMode, LeaseKeyResponse, RotateKeyRequest};
use tokio::time::sleep;
use tonic::{Code, Status};

use crate::harness::audited::set_journal;
use crate::harness::client::of;
use crate::harness::keys::KEY;
use crate::harness::probed::Probed;
use crate::harness::setup::secret;

const OLD: &str = "sk-Canary_Strict_old_w3Rt7Yp";
const NEW: &str = "sk-Canary_Strict_new_k2Lp9Zx";
/// Long enough for a change to be known, short enough for the lease to wait for.
const HELD_UP: Duration = Duration::from_millis(900);

/// Leases while no record can be written, until what is done meanwhile is known.
async fn lease_while(
    probed: &Probed,
    done: impl Future<Output = ()>,
) -> Result<LeaseKeyResponse, Status> {
    let mut writing = probed.cluster.database.pool.begin().await.unwrap();
    sqlx::query("lock table lease_journal in exclusive mode")
        .execute(&mut *writing)
        .await
        .unwrap();
    let leasing = async { probed.caller.ask(of("p")).await };
    let meanwhile = async {
        sleep(Duration::from_millis(100)).await;
        done.await;
        sleep(HELD_UP).await;
        writing.rollback().await.unwrap();
    };
    tokio::join!(leasing, meanwhile).0
}

async fn strict() -> Probed {
    let probed = Probed::start(1, OLD, false).await;
    set_journal(&probed.admin, JournalMode::Strict).await;
    assert_eq!(probed.caller.lease("p").await.version, 1);
    probed
}

#[tokio::test]
async fn a_version_that_was_replaced_while_its_lease_was_recorded_is_not_leased() {
    let probed = strict().await;
    let replacing = async {
        let request = RotateKeyRequest {
            name: KEY.to_owned(),
            secret: Some(secret(NEW)),
            revoke_previous_now: true,
            ..Default::default()
        };
        probed.rotate_so(request).await.unwrap();
    };
    // No lease fails because of a rotation: another is given in its place.
    assert_eq!(lease_while(&probed, replacing).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_caller_that_was_shut_out_while_its_lease_was_recorded_gets_none() {
    let probed = strict().await;
    let revoking = async {
        let request = DisableCallerRequest {
            name: "callers/search".to_owned(),
            why: "left".to_owned(),
            ..Default::default()
        };
        let mut admin = probed.admin.admin.clone();
        admin.disable_caller(request).await.unwrap();
    };
    let refused = lease_while(&probed, revoking).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
}
