//! A rotation whose replica comes to a fault point and is killed there.

use keylease::proto::{RotationStep, VersionStage};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Postgres};

use super::Point::{self, AtProvider, AtRotator, Before};
use crate::harness::asked::Answer;
use crate::harness::cluster::eventually;
use crate::harness::probed::Probed;
use crate::harness::rotator::{Mode, Rotator};

const OLD: &str = "sk-Canary_Crashed_w3Rt7Yp";
/// The lock that whatever comes to a fault point waits for.
const LOCK: i64 = 4_711;

/// A rotation on its way to a fault point.
pub(super) struct Crash {
    pub(super) probed: Probed,
    pub(super) rotator: Rotator,
    lock: Option<PoolConnection<Postgres>>,
}

impl Crash {
    /// A rotation whose replica will come to this point.
    pub(super) async fn at(point: &Point) -> Self {
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
    pub(super) async fn arrives(&self, point: &Point) {
        let is_there = async || match point {
            Before(_) => {
                let waiting =
                    "select count(*) from pg_locks where locktype = 'advisory' and not granted
                        and database = (select oid from pg_database where datname = current_database())";
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

    /// The step of the rotation as everybody sees it, if there is one yet.
    pub(super) async fn stored_step(&self) -> Option<String> {
        sqlx::query_scalar("select step from rotations")
            .fetch_optional(&self.probed.cluster.database.pool)
            .await
            .unwrap()
    }

    /// Kills it there, and starts another one, which finds no more fault.
    pub(super) async fn kill(&mut self) {
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
    pub(super) async fn pass(&self) {
        let passed = "update rotations set next_attempt_time = clock_timestamp() where next_attempt_time is not null";
        self.probed.sql(passed).await;
    }

    pub(super) async fn step(&self) -> RotationStep {
        self.probed.rotation(2).await.step()
    }

    /// To the end: done, with one good key at the provider, which is the one that is leased.
    pub(super) async fn ends(&self) {
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
