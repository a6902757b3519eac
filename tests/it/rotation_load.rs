//! Keys are rotated again and again under load: no lease is refused, no key is used that its provider does not know any more, and none is
//! given that was replaced for longer than a poll takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use keylease::proto::{RotateKeyRequest, RotationStep};
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::harness::client::{Client, of};
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::outcomes::success;
use crate::harness::probed::Probed;
use crate::harness::rotator::Rotator;

const OLD: &str = "sk-Canary_Loaded_w3Rt7Yp";
/// Callers at once.
const CALLERS: usize = 6;
/// Rotations, one after the other, each to its end.
const ROTATIONS: u32 = 3;

/// From when a version is current for so long the one before it may be leased: a poll takes 1.5 s, and the machine is busy.
const KNOWN_WITHIN: Duration = Duration::from_millis(3_500);

/// When leases were asked for, and of which version they are.
type Given = Arc<Mutex<Vec<(SystemTime, i32)>>>;

/// One caller: it leases, uses the key for a moment, and reports.
async fn work(caller: Client, rotator: Rotator, stop: Arc<AtomicBool>, given: Given) {
    while !stop.load(Ordering::Relaxed) {
        let asked = SystemTime::now();
        let lease = caller.ask(of("p")).await.unwrap();
        let credential = lease.credential.clone().unwrap();
        let key = credential.headers[0].value.strip_prefix("Bearer ").unwrap();
        for _ in 0..3 {
            assert!(
                is_good(&rotator, key),
                "version {} is not known any more",
                lease.version
            );
            sleep(Duration::from_millis(10)).await;
        }
        caller.report(&lease, success()).await;
        given.lock().push((asked, lease.version));
    }
}

/// As the provider would say.
fn is_good(rotator: &Rotator, key: &str) -> bool {
    if key != OLD {
        return rotator.good().iter().any(|good| good == key);
    }
    let revoked = rotator.heard("revoke");
    !revoked.iter().any(|body| body["revoke"]["version"] == 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lease_fails_because_of_a_rotation() {
    let probed = Probed::start(2, OLD, false).await;
    let rotator = Rotator::start().await;
    probed.set_rotator(&rotator).await;
    let (stop, given) = (Arc::<AtomicBool>::default(), Given::default());
    let mut working = Vec::new();
    for number in 0..CALLERS {
        let token = probed.admin.create_token("search").await.text;
        probed.cluster.settled().await;
        let caller = probed.cluster.client(number % 2, &token).await;
        let (stop, given) = (Arc::clone(&stop), Arc::clone(&given));
        working.push(tokio::spawn(work(caller, rotator.clone(), stop, given)));
    }
    for to in 2..2 + ROTATIONS {
        let request = RotateKeyRequest {
            name: KEY.to_owned(),
            ..Default::default()
        };
        probed.rotate_so(request).await.unwrap();
        let is_done = async || probed.rotation(to).await.step() == RotationStep::Done;
        eventually("the rotation is done", is_done).await;
    }
    // Of the last one too something is given when it has to be known.
    sleep(KNOWN_WITHIN + Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    for worker in working {
        worker.await.unwrap();
    }
    assert_eq!(rotator.good().len(), 1);
    let given = std::mem::take(&mut *given.lock());
    assert!(given.len() > 100);
    for version in probed.versions().await {
        let promoted = SystemTime::try_from(version.promote_time.unwrap()).unwrap();
        let known = promoted + KNOWN_WITHIN;
        let number = version.name.rsplit('/').next().unwrap();
        let number: i32 = number.parse().unwrap();
        let mut later = given.iter().filter(|(asked, _)| *asked > known);
        assert!(
            later.clone().count() > 0,
            "nothing was leased after {number}"
        );
        let old = later.find(|(_, leased)| *leased < number);
        assert!(
            old.is_none(),
            "{old:?} was given after {promoted:?}, when {number} was current"
        );
    }
}
