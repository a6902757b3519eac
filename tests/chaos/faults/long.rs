//! A limit of a long window, through a failover that loses grants and a dump that is restored in place. Nobody can wait for such a window
//! to pass, so it is also looked whether the database charges at least what was started: then no window can hold more.

use std::time::Duration;

use tokio::time::sleep;

use crate::clock;
use crate::harness::proxy::Proxy;
use crate::world::World;

/// Less than the replicas are told that a standby may lack.
const LOST: Duration = Duration::from_secs(6);
/// Beyond what a lease says, for the way from a replica to the start of a request.
const ON_THE_WAY: Duration = Duration::from_secs(2);

pub(super) async fn fail_over_and_restore(world: &mut World) -> Duration {
    let link = Proxy::to(world.postgres.target()).await;
    let standby = world
        .postgres
        .standby(&link, world.folder.0.join("standby"));
    let standby = standby.await;
    world.begin();
    sleep(LOST).await;
    link.cut();
    let unknown = clock::now();
    sleep(LOST).await;
    world.link.cut();
    world.postgres.kill();
    let lost = world.started(unknown).len();
    standby.promote().await;
    world.postgres = standby;
    world.link.point(world.postgres.target());
    world.link.open();
    let promoted = clock::now();
    // It is not frozen until the window has passed: what may have been forgotten is charged, and the rest goes on.
    let goes_on = || world.started(promoted + world.late()).first().copied();
    let went_on = world.until("the limit goes on", goes_on).await.unwrap();
    let charged = charges_all(world).await;
    println!(
        "after the failover: {lost} starts were granted since the standby was cut off, {charged} units are charged, {} were started",
        world.started(Duration::ZERO).len()
    );
    // Each of three replicas has seen another grant last; what was lost is charged once all the same.
    let half = world.setup.amount.cast_signed() / 2;
    assert!(charged < half, "{charged} are charged after one failover");
    restore(world).await;
    went_on
}

/// Nobody knows how old a dump is, so that all may have been forgotten: the limit is as good as used up.
async fn restore(world: &World) {
    let file = world.folder.0.join("dump");
    world.postgres.dump(&file);
    sleep(LOST).await;
    world.postgres.restore(&file);
    let all = world.setup.amount.cast_signed();
    let deadline = clock::now() + Duration::from_secs(20);
    while charged(world).await < all {
        assert!(clock::now() < deadline, "the restored dump was not noticed");
        sleep(Duration::from_millis(100)).await;
    }
    let noticed = clock::now();
    sleep(world.late() + Duration::from_secs(4)).await;
    let late = world.started(noticed + world.late());
    assert!(late.is_empty(), "granted of a full limit: {late:?}");
    charges_all(world).await;
}

impl World {
    /// How long after its lease was granted a request may start, and is known to have.
    fn late(&self) -> Duration {
        let terms = self.terms();
        terms.validity + terms.start_within + ON_THE_WAY
    }
}

async fn charged(world: &World) -> i64 {
    let query = "select coalesce(sum(units), 0)::bigint from limit_blocks";
    world.postgres.number(query).await
}

async fn charges_all(world: &World) -> i64 {
    // First what was started: what starts meanwhile was charged before.
    let started = i64::try_from(world.started(Duration::ZERO).len()).unwrap();
    let charged = charged(world).await;
    assert!(
        started <= charged,
        "{started} were started, {charged} are charged"
    );
    charged
}
