//! A replica that is killed anywhere within a rewrap: the next one ends it, every row is wrapped once, and no secret is lost.
//!
//! The places are in the database: a trigger holds a statement, or a commit, until the replica that sent it is dead.

use std::collections::BTreeSet;

use keylease::crypto::MasterKey;
use keylease::proto::RewrapState;
use sqlx::{AssertSqlSafe, PgPool};

use crate::harness::cluster::eventually;
use crate::harness::ringed::Ringed;

/// Accounts with one key each.
const KEYS: usize = 6;
/// What the tests hold, and what they hold up waits for.
const LOCK: i64 = 77;

/// A place at which a replica is killed.
struct Place {
    /// When the trigger fires, and on what.
    event: &'static str,
    /// Whether the trigger waits for the commit.
    at_commit: bool,
    /// Which of those it holds up.
    when: &'static str,
}

const fn before(event: &'static str, when: &'static str) -> Place {
    Place {
        event,
        at_commit: false,
        when,
    }
}

const fn commit_of(event: &'static str, when: &'static str) -> Place {
    Place {
        event,
        at_commit: true,
        when,
    }
}

/// After some batch, and not before the first.
const MIDWAY: &str = "exists (select from rewraps where state = 'running' and rewrapped > 0)";
const ALWAYS: &str = "true";

async fn run(pool: &PgPool, statements: String) {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(pool)
        .await
        .unwrap();
}

impl Place {
    async fn arm(&self, pool: &PgPool) {
        let (kind, level) = if self.at_commit {
            (
                "constraint trigger place after",
                "deferrable initially deferred for each row",
            )
        } else {
            ("trigger place before", "for each row")
        };
        let (event, when) = (self.event, self.when);
        let arm = format!(
            "create or replace function hold_up() returns trigger language plpgsql as $$ begin
                if {when} then perform pg_advisory_xact_lock_shared({LOCK}); end if;
                return new;
            end $$;
            create {kind} {event} {level} execute function hold_up()"
        );
        run(pool, arm).await;
    }

    async fn disarm(&self, pool: &PgPool) {
        let table = self.event.split(' ').next_back().unwrap();
        run(pool, format!("drop trigger place on {table}")).await;
    }
}

/// Rewraps to `to`, and kills the replica at the place.
async fn killed_at(ringed: &mut Ringed, place: &Place, to: &MasterKey) {
    let pool = ringed.cluster.database.pool.clone();
    ringed.promote(to).await.unwrap();
    place.arm(&pool).await;
    let mut holder = pool.acquire().await.unwrap();
    let lock = format!("select pg_advisory_lock({LOCK})");
    sqlx::query(AssertSqlSafe(lock))
        .execute(&mut *holder)
        .await
        .unwrap();
    // Two rows a batch.
    ringed.rewrap(20).await;
    let waits = async || {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted
                and database = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        waiting > 0
    };
    eventually("the replica is at the place", waits).await;
    ringed.cluster.replicas[0].end("-KILL").await;
    ringed.cluster.replicas.clear();
    let unlock = format!("select pg_advisory_unlock({LOCK})");
    sqlx::query(AssertSqlSafe(unlock))
        .execute(&mut *holder)
        .await
        .unwrap();
    drop(holder);
    place.disarm(&pool).await;
    ringed.start_replica(0).await;
}

/// Everything is wrapped with `to`, each row was moved once, and every secret opens.
async fn check(ringed: &Ringed, to: &MasterKey, round: usize) {
    let rewrap = ringed.rewrapped().await;
    assert_eq!(rewrap.state(), RewrapState::Done);
    let keys = i64::try_from(KEYS).unwrap();
    assert_eq!(
        (rewrap.total, rewrap.rewrapped, rewrap.failed),
        (keys, keys, 0)
    );
    let key = ringed.key(to).await.unwrap();
    assert_eq!((key.secrets, key.wraps_cluster_key), (keys, true));
    let ends: i64 = sqlx::query_scalar(
        "select count(*) from audit_records where caller = 'system' and method = 'RewrapKeys' and summary like 'the rewrap is done%'",
    )
    .fetch_one(&ringed.cluster.database.pool)
    .await
    .unwrap();
    assert_eq!(ends, i64::try_from(round + 1).unwrap());
    let admin = ringed.admin().await;
    let token = admin.create_lessee(&format!("search-{round}"), "p").await;
    let caller = ringed.cluster.client(0, &token).await;
    let mut values = BTreeSet::new();
    for _ in 0..KEYS {
        let lease = caller.lease("p").await;
        values.insert(lease.credential.unwrap().fields["value"].clone());
    }
    assert_eq!(
        values,
        (0..KEYS).map(|number| format!("sk-a{number}")).collect()
    );
}

async fn killed_at_each(places: &[Place]) {
    let mut ringed = Ringed::new(1, KEYS).await;
    let (old, new) = (ringed.first(), MasterKey::generate().unwrap());
    ringed.mount(0, &[&new]);
    ringed.held_by(&new, 1).await;
    for (round, place) in places.iter().enumerate() {
        let to = if round % 2 == 0 { &new } else { &old };
        ringed.held_by(to, 1).await;
        killed_at(&mut ringed, place, to).await;
        check(&ringed, to, round).await;
    }
}

#[tokio::test]
async fn a_rewrap_survives_the_end_of_its_replica_before_every_write_of_a_batch() {
    killed_at_each(&[
        before("update of claimed_until on rewraps", MIDWAY),
        before("update of wraps on master_keys", MIDWAY),
        before("update of wrapped_dek on secrets", MIDWAY),
        before("update of cursor_field on rewraps", MIDWAY),
    ])
    .await;
}

#[tokio::test]
async fn a_rewrap_survives_the_end_of_its_replica_while_a_batch_is_committed() {
    killed_at_each(&[
        commit_of("update of wrapped_dek on secrets", MIDWAY),
        commit_of("update of cursor_field on rewraps", ALWAYS),
    ])
    .await;
}

#[tokio::test]
async fn a_rewrap_survives_the_end_of_its_replica_at_its_own_end() {
    const OF_IT: &str = "new.method = 'RewrapKeys' and new.caller = 'system'";
    killed_at_each(&[
        before("update of state on rewraps", "new.state = 'done'"),
        before("update of wrapped_key on cluster", ALWAYS),
        before("insert on audit_records", OF_IT),
        commit_of("update of wrapped_key on cluster", ALWAYS),
    ])
    .await;
}
