//! A replica is killed at every step of a rotation: before and after each commit, and while a provider or a rotator is asked. Another one
//! goes on to the end.

use keylease::proto::{RotateKeyRequest, RotationStep, VersionStage};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres};

use crate::harness::asked::Answer;
use crate::harness::client::Client;
use crate::harness::cluster::eventually;
use crate::harness::keys::KEY;
use crate::harness::probed::Probed;
use crate::harness::rotator::{Mode, Rotator};

const OLD: &str = "sk-Canary_Crashed_w3Rt7Yp";
/// The lock that whatever comes to a fault point waits for.
const LOCK: i64 = 4_711;

/// Where a replica is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    /// Its transaction has done this to the rotation and is not committed.
    Before(&'static str),
    /// The rotator has done what it was asked, and its answer is not here.
    AtRotator(&'static str),
    /// The provider is asked.
    AtProvider,
}

use Point::{AtProvider, AtRotator, Before};

/// By the conditions of a trigger, old and new rows in hand.
const BEGUN: Point = Before("old is null");
const CREATE_TAKEN: Point =
    Before("old.step = 'creating' and new.step = 'creating' and new.epoch > old.epoch");
const STORED: Point = Before("old.step = 'creating' and new.step = 'pending'");
const TEST_TAKEN: Point = Before("old.step = 'pending' and new.step = 'testing'");
const PROMOTED: Point = Before("old.step = 'testing' and new.step = 'draining'");
const DRAINED: Point = Before("old.step = 'draining' and new.step = 'revoking'");
const REVOKE_TAKEN: Point = Before("old.step = 'revoking' and new.step = 'revoking'");
const DONE: Point = Before("old.step = 'revoking' and new.step = 'done'");

struct Crash {
    probed: Probed,
    rotator: Rotator,
    lock: Option<PoolConnection<Postgres>>,
}

impl Crash {
    /// A rotation whose replica will come to this point.
    async fn at(point: &Point) -> Self {
        let probed = Probed::start(1, OLD, false).await;
        let rotator = Rotator::start().await;
        probed.set_rotator(&rotator).await;
        let mut crash = Self {
            probed,
            rotator,
            lock: None,
        };
        match point {
            Before(condition) => crash.lay(condition).await,
            AtRotator("create") => crash.rotator.does(Mode::Holds),
            AtRotator(_) => {}
            AtProvider => {
                let slow = Answer {
                    after: std::time::Duration::from_secs(60),
                    ..Answer::of(200, "{}")
                };
                crash
                    .probed
                    .provider
                    .tell("sk-Canary_Minted_1_h5Nq2Vx8", slow);
            }
        }
        crash
    }

    /// Whoever meets the condition waits for our lock.
    async fn lay(&mut self, condition: &str) {
        let pool = &self.probed.cluster.database.pool;
        let mut lock = pool.acquire().await.unwrap();
        let statements = format!(
            "create function point() returns trigger language plpgsql as $$ begin
                if {condition} then perform pg_advisory_xact_lock({LOCK}); end if; return new; end $$;
            create trigger point before insert or update on rotations for each row execute function point();
            select pg_advisory_lock({LOCK});"
        );
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut *lock)
            .await
            .unwrap();
        self.lock = Some(lock);
    }

    /// Until the replica is there.
    async fn arrives(&self, point: &Point) {
        let is_there = async || match point {
            Before(_) => {
                let waiting =
                    "select count(*) from pg_locks where locktype = 'advisory' and not granted";
                let waiting: i64 = sqlx::query_scalar(waiting)
                    .fetch_one(&self.probed.cluster.database.pool)
                    .await
                    .unwrap();
                waiting > 0
            }
            AtRotator(action) => !self.rotator.heard(action).is_empty(),
            AtProvider => self.probed.provider.all() > 0,
        };
        eventually("the replica is at the fault point", is_there).await;
    }

    /// Kills it there, and starts another one, which finds no more fault.
    async fn kill(&mut self) {
        self.probed.cluster.replicas[0].end("-KILL").await;
        if let Some(mut lock) = self.lock.take() {
            // Before the trigger can go, what waited has to go on, and find that nobody is there to commit it.
            for statement in [
                "select pg_advisory_unlock_all()",
                "drop trigger point on rotations",
            ] {
                sqlx::raw_sql(statement).execute(&mut *lock).await.unwrap();
            }
        }
        self.rotator.does(Mode::Works);
        self.probed
            .provider
            .tell("sk-Canary_Minted_1_h5Nq2Vx8", Answer::of(200, "{}"));
        self.probed.cluster.replicas.remove(0);
        self.probed.cluster.add().await;
        let token = self.probed.cluster.admin_token.clone();
        self.probed.admin = self.probed.cluster.client(0, &token).await;
        let token = self.probed.admin.create_token("search").await.text;
        self.probed.caller = self.probed.cluster.client(0, &token).await;
    }

    /// What the dead replica had taken is free again: the time of its claim passes.
    async fn pass(&self) {
        let passed = "update rotations set next_attempt_time = clock_timestamp() where next_attempt_time is not null";
        self.probed.sql(passed).await;
    }

    async fn step(&self) -> RotationStep {
        self.probed.rotation(2).await.step()
    }

    /// To the end: done, with one good key at the provider, which is the one that is leased.
    async fn ends(&self) {
        let is_draining = async || {
            self.pass().await;
            matches!(
                self.step().await,
                RotationStep::Draining | RotationStep::Revoking | RotationStep::Done
            )
        };
        eventually("the new version is current", is_draining).await;
        self.probed.cluster.settled().await;
        let lease = self.probed.caller.lease("p").await;
        assert_eq!(lease.version, 2);
        let leased = secret_of(&lease);
        self.probed
            .sql("update key_versions set drain_until = clock_timestamp() where stage = 'previous'")
            .await;
        let is_done = async || {
            self.pass().await;
            self.step().await == RotationStep::Done
        };
        eventually("the rotation is done", is_done).await;
        assert_eq!(
            self.probed.stages().await,
            [VersionStage::Current, VersionStage::Revoked]
        );
        assert_eq!(self.rotator.good(), [leased]);
        assert!(!self.rotator.heard("revoke").is_empty());
    }
}

fn secret_of(lease: &keylease::proto::LeaseKeyResponse) -> String {
    let credential = lease.credential.as_ref().unwrap();
    let value = &credential.headers[0].value;
    value.strip_prefix("Bearer ").unwrap().to_owned()
}

async fn begin(admin: Client) {
    let request = RotateKeyRequest {
        name: KEY.to_owned(),
        request_id: "once".to_owned(),
        ..Default::default()
    };
    // The replica may die before it answers.
    let _ = admin.admin.clone().rotate_key(request).await;
}

async fn crash_at(point: Point) {
    let mut crash = Crash::at(&point).await;
    let begun = tokio::spawn(begin(crash.probed.admin.clone()));
    if matches!(point, DRAINED | REVOKE_TAKEN | DONE | AtRotator("revoke")) {
        let is_draining = async || crash.step().await == RotationStep::Draining;
        begun.await.unwrap();
        eventually("it drains", is_draining).await;
        if matches!(point, AtRotator(_)) {
            crash.rotator.does(Mode::Holds);
        }
        crash
            .probed
            .sql("update key_versions set drain_until = clock_timestamp() where stage = 'previous'")
            .await;
    }
    crash.arrives(&point).await;
    // What is not committed is leased to nobody.
    crash.kill().await;
    if matches!(point, BEGUN) {
        assert_eq!(crash.probed.stages().await, [VersionStage::Current]);
        // It never was; the same call makes it.
        begin(crash.probed.admin.clone()).await;
    }
    crash.ends().await;
}

#[tokio::test]
async fn killed_before_it_is_committed_that_it_begins() {
    crash_at(BEGUN).await;
}

#[tokio::test]
async fn killed_when_the_rotator_is_about_to_be_asked() {
    crash_at(CREATE_TAKEN).await;
}

#[tokio::test]
async fn killed_while_the_rotator_answers() {
    crash_at(AtRotator("create")).await;
}

#[tokio::test]
async fn killed_before_a_minted_secret_is_committed() {
    crash_at(STORED).await;
}

#[tokio::test]
async fn killed_when_the_test_is_about_to_be_made() {
    crash_at(TEST_TAKEN).await;
}

#[tokio::test]
async fn killed_while_the_provider_is_asked() {
    crash_at(AtProvider).await;
}

#[tokio::test]
async fn killed_before_the_promotion_is_committed() {
    crash_at(PROMOTED).await;
}

#[tokio::test]
async fn killed_before_the_revocation_is_committed() {
    crash_at(DRAINED).await;
}

#[tokio::test]
async fn killed_when_the_rotator_is_about_to_revoke() {
    crash_at(REVOKE_TAKEN).await;
}

#[tokio::test]
async fn killed_while_the_rotator_revokes() {
    crash_at(AtRotator("revoke")).await;
}

#[tokio::test]
async fn killed_before_the_end_is_committed() {
    crash_at(DONE).await;
}

#[tokio::test]
async fn killed_in_the_middle_it_can_be_given_up_without_a_trace() {
    for point in [AtRotator("create"), AtProvider] {
        let mut crash = Crash::at(&point).await;
        tokio::spawn(begin(crash.probed.admin.clone()));
        crash.arrives(&point).await;
        crash.kill().await;
        let cancelled = crash.probed.cancel(2).await.unwrap();
        assert_eq!(cancelled.step(), RotationStep::Cancelled);
        let is_clean = async || crash.rotator.good().is_empty();
        eventually("what was made is revoked", is_clean).await;
        assert_eq!(crash.probed.caller.lease("p").await.version, 1);
        let stages = crash.probed.stages().await;
        assert!(!stages.contains(&VersionStage::Pending), "{stages:?}");
    }
}
