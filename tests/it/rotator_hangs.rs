//! A rotator that takes requests and never answers holds up nothing but what it is asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keylease::proto::{
    Account, ImportKeysRequest, ImportedAccount, ImportedKey, RotateKeyRequest, RotationStep,
    Rotator, SetRotatorRequest, VersionStage,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::harness::asked::Answer;
use crate::harness::cluster::{eventually, eventually_some};
use crate::harness::keys::KEY;
use crate::harness::probed::Probed;
use crate::harness::setup::{secret, span};

const OLD: &str = "sk-Canary_Beside_old_b7Ww3Qe";
const NEW: &str = "sk-Canary_Beside_new_k2Lp9Zx";
/// Accounts that share a rotator, and keys of each: together more than it is asked for while a test lasts.
const ACCOUNTS: usize = 5;
const KEYS: usize = 30;
/// How long an answer is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A rotator that never answers.
struct Mute {
    address: SocketAddr,
    /// Requests that wait.
    waiting: Arc<AtomicUsize>,
    /// The most that ever waited at once.
    most: Arc<AtomicUsize>,
}

impl Mute {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (waiting, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counted = (Arc::clone(&waiting), Arc::clone(&most));
        tokio::spawn(async move {
            while let Ok((mut asking, _)) = listener.accept().await {
                let (waiting, most) = counted.clone();
                most.fetch_max(waiting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    while asking.read(&mut request).await.is_ok_and(|read| read > 0) {}
                    waiting.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            waiting,
            most,
        }
    }
}

/// It is to make new secrets for every key of several accounts, and has been for an hour.
async fn hang(probed: &Probed, mute: &Mute) {
    let of_account = |account: usize| ImportedAccount {
        account_id: format!("slow-{account}"),
        account: Some(Account {
            provider_profile: "openai".to_owned(),
            ..Default::default()
        }),
        keys: (0..KEYS)
            .map(|number| ImportedKey {
                key_id: format!("slow-{number}"),
                secret: Some(secret(&format!("sk-Canary_Slow_{account}_{number}"))),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let request = ImportKeysRequest {
        accounts: (0..ACCOUNTS).map(of_account).collect(),
        ..Default::default()
    };
    let mut admin = probed.admin.admin.clone();
    admin.import_keys(request).await.unwrap();
    for account in 0..ACCOUNTS {
        let request = SetRotatorRequest {
            rotator: Some(Rotator {
                name: format!("accounts/slow-{account}/rotator"),
                url: format!("http://{}/{account}", mute.address),
                allow_http: true,
                ..Default::default()
            }),
            ..Default::default()
        };
        admin.set_rotator(request).await.unwrap();
    }
    let due = "insert into rotations (uid, key_uid, id, step, from_number, to_number, reason, origin, next_attempt_time)
        select gen_random_uuid(), uid, '2', 'creating', 1, 2, '', 'rotator', clock_timestamp() - interval '1 hour'
        from keys where id like 'slow-%'";
    assert_eq!(probed.sql(due).await as usize, ACCOUNTS * KEYS);
    let is_asked = async || mute.waiting.load(Ordering::SeqCst) > 0;
    eventually("the rotator is asked", is_asked).await;
}

#[tokio::test]
async fn a_version_that_dies_is_rolled_back_and_one_that_drains_is_revoked_while_a_rotator_hangs() {
    let probed = Probed::start(1, OLD, false).await;
    probed.rotate(NEW).await.unwrap();
    let mute = Mute::start().await;
    hang(&probed, &mute).await;
    probed.provider.tell(NEW, Answer::invalid());
    eventually_some("it is asked about", async || probed.ask().await.ok()).await;
    let began = Instant::now();
    probed.reaches(2, RotationStep::RolledBack).await;
    assert!(began.elapsed() < ANSWER_WITHIN, "{:?}", began.elapsed());
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        secret: Some(secret("sk-Canary_Beside_third_c8")),
        grace: Some(span(Duration::ZERO)),
        ..Default::default()
    };
    probed.rotate_so(request).await.unwrap();
    let began = Instant::now();
    let is_revoked = async || probed.stages().await[2] == VersionStage::Revoked;
    eventually("the previous version is revoked", is_revoked).await;
    assert!(began.elapsed() < ANSWER_WITHIN, "{:?}", began.elapsed());
    // However many accounts it is for, two requests wait, beside as many that were given up just now.
    assert!(mute.most.load(Ordering::SeqCst) <= 4);
}
