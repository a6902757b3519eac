//! The faults. Each begins the load, does its harm, mends it, and answers since when service should be coming back.

use std::time::Duration;

use tokio::time::sleep;

use super::clock;
use super::harness::proxy::Proxy;
use super::world::World;

mod changes;
mod long;

use changes::{change_amount, change_terms};

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Nothing, over so many windows after the first: what the others are compared with.
    None(u32),
    /// Replicas are killed, one after the other, and started again.
    KillReplicas,
    /// Postgres is killed so often, and started again.
    KillPostgres(usize),
    /// One replica after the other is stopped, for so many milliseconds each.
    StopReplicas(&'static [u64]),
    /// All replicas are stopped at once.
    StopAll(Duration),
    /// One caller after the other is stopped.
    StopCallers(Duration),
    /// Postgres is stopped, with all that serves its connections.
    StopPostgres(Duration),
    /// What replicas and Postgres say to each other comes late.
    Delay,
    /// Connections to Postgres are cut, and refused for a while.
    Cut,
    /// COMMITs are carried out, but their replies are lost.
    LoseReplies,
    /// A standby takes over without the last commits.
    Promote {
        /// Whether the replicas live on; otherwise all of them are killed with the primary, so that only the database can know.
        replicas_live: bool,
    },
    /// A dump is restored in place.
    Restore,
    /// A standby takes over without the last commits, and then a dump is restored in place: of a window that is longer than the run.
    FailOverAndRestore,
    /// Every replica is ended in order and started again, one after the other.
    RollingRestart,
    /// The limit is raised, and then lowered.
    ChangeAmount,
    /// How long blocks and leases last is changed, up and down.
    ChangeTerms,
}

impl Fault {
    /// Does it. Answers since when service should be coming back.
    pub(crate) async fn strike(self, world: &mut World) -> Duration {
        if let Self::Promote { replicas_live } = self {
            return promote(world, replicas_live).await;
        }
        if matches!(self, Self::FailOverAndRestore) {
            return long::fail_over_and_restore(world).await;
        }
        world.warm_up().await;
        match self {
            Self::None(_) | Self::Promote { .. } | Self::FailOverAndRestore => clock::now(),
            Self::KillReplicas => kill_replicas(world).await,
            Self::KillPostgres(times) => kill_postgres(world, times).await,
            Self::StopReplicas(lengths) => stop_replicas(world, lengths).await,
            Self::StopAll(length) => stop_all(world, length).await,
            Self::StopCallers(length) => stop_callers(world, length).await,
            Self::StopPostgres(length) => stop_postgres(world, length).await,
            Self::Delay => delay(world).await,
            Self::Cut => cut(world).await,
            Self::LoseReplies => lose_replies(world).await,
            Self::Restore => restore(world).await,
            Self::RollingRestart => rolling_restart(world).await,
            Self::ChangeAmount => change_amount(world).await,
            Self::ChangeTerms => change_terms(world).await,
        }
    }
}

async fn kill_replicas(world: &mut World) -> Duration {
    let mut killed = clock::now();
    for place in 0..world.setup.replicas {
        killed = clock::now();
        world.end_replica(place, "-KILL").await;
        world.start_replica(place).await;
        sleep(world.setup.window / 3).await;
    }
    killed
}

async fn kill_postgres(world: &mut World, times: usize) -> Duration {
    let mut mended = clock::now();
    for _ in 0..times {
        world.postgres.kill();
        sleep(Duration::from_secs(1)).await;
        world.postgres.restart().await;
        mended = clock::now();
        sleep(world.setup.window / 3).await;
    }
    mended
}

async fn stop_replicas(world: &mut World, lengths: &[u64]) -> Duration {
    let mut mended = clock::now();
    for (time, millis) in lengths.iter().enumerate() {
        let replica = world.replicas[time % world.setup.replicas]
            .as_ref()
            .unwrap();
        replica.signal("-STOP");
        sleep(Duration::from_millis(*millis)).await;
        replica.signal("-CONT");
        mended = clock::now();
        sleep(world.setup.window / 5).await;
    }
    mended
}

async fn stop_all(world: &mut World, length: Duration) -> Duration {
    for replica in world.replicas.iter().flatten() {
        replica.signal("-STOP");
    }
    sleep(length).await;
    for replica in world.replicas.iter().flatten() {
        replica.signal("-CONT");
    }
    clock::now()
}

async fn stop_callers(world: &mut World, length: Duration) -> Duration {
    for caller in &world.callers {
        caller.signal("-STOP");
        sleep(length).await;
        caller.signal("-CONT");
    }
    clock::now()
}

async fn stop_postgres(world: &mut World, length: Duration) -> Duration {
    world.postgres.signal("-STOP");
    sleep(length).await;
    world.postgres.signal("-CONT");
    clock::now()
}

async fn delay(world: &mut World) -> Duration {
    // Within D; then beyond it, where every block comes too late.
    let validity = world.terms().validity;
    for by in [validity / 8, validity / 3, validity] {
        world.link.delay(by);
        sleep(world.setup.window).await;
    }
    world.link.delay(Duration::ZERO);
    clock::now()
}

async fn cut(world: &mut World) -> Duration {
    for part in [20, 3, 1] {
        world.link.cut();
        sleep(world.setup.window / part).await;
        world.link.open();
        sleep(world.setup.window / 2).await;
    }
    world.link.cut();
    world.link.open();
    clock::now()
}

async fn lose_replies(world: &mut World) -> Duration {
    world.link.lose_commits(3);
    sleep(world.setup.window * 2).await;
    world.link.lose_commits(0);
    assert!(world.link.lost() > 5, "no reply was lost");
    clock::now()
}

/// What is started between the cut and the end of the primary is all that the standby does not know.
async fn promote(world: &mut World, replicas_live: bool) -> Duration {
    let link = Proxy::to(world.postgres.target()).await;
    let standby = world
        .postgres
        .standby(&link, world.folder.0.join("standby"));
    let standby = standby.await;
    if replicas_live {
        world.warm_up().await;
        link.cut();
    } else {
        // The standby knows of no use at all.
        link.cut();
        world.begin();
    }
    let (since, most) = (clock::now(), world.setup.amount * 9 / 10);
    let is_used = || (world.started(since).len() as u64 >= most).then_some(());
    world.until("the limit is used up", is_used).await.unwrap();
    world.link.cut();
    world.postgres.kill();
    if !replicas_live {
        for place in 0..world.setup.replicas {
            world.end_replica(place, "-KILL").await;
        }
    }
    standby.promote().await;
    world.postgres = standby;
    world.link.point(world.postgres.target());
    world.link.open();
    let promoted = clock::now();
    world.start_replicas().await;
    promoted
}

async fn restore(world: &mut World) -> Duration {
    let file = world.folder.0.join("dump");
    world.postgres.dump(&file);
    sleep(world.setup.window / 2).await;
    world.postgres.restore(&file);
    clock::now()
}

async fn rolling_restart(world: &mut World) -> Duration {
    let mut ended = clock::now();
    for place in 0..world.setup.replicas {
        ended = clock::now();
        world.end_replica(place, "-TERM").await;
        world.start_replica(place).await;
    }
    ended
}
