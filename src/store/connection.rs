//! Connections as everybody here takes them: what is done on one ends in time, and one that hangs is closed, never given back.
//!
//! A server that vanishes answers nothing and closes nothing, so that a query waits for as long as the kernel does, which may be for ever.
//! The driver's pool waits with it: it pings what comes back, without a bound. A few such connections and nobody gets one any more.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::{Error, Result};

/// How long a short transaction or a few queries may take: what the server itself bounds to 2 s a statement is over by then.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a change may take, or reading what changed: either may be about many rows.
pub const CHANGE_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection is waited for: longer than a failover of a small cluster hides it; shorter than an RPC's usual deadline.
pub const CONNECTION_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection that was idle may take to show that it lives: then there is still time to make another one.
const PING_WITHIN: Duration = Duration::from_secs(2);
/// A connection that somebody held for longer may hang, and is closed: making a new one costs little beside that.
const OVERDUE: Duration = Duration::from_secs(5);

/// The work's outcome, or that the database did not answer `within` this time. The work is dropped then, and with it its connection.
///
/// # Errors
/// Those of the work, and [`Error::Unreachable`].
pub async fn in_time<T, E: From<Error>>(
    within: Duration,
    work: impl Future<Output = std::result::Result<T, E>>,
) -> std::result::Result<T, E> {
    let done = timeout(within, work).await;
    done.unwrap_or_else(|_| Err(Error::unanswered().into()))
}

/// A pool whose idle connections are tried before they are used, and not waited for when they hang.
#[must_use]
pub fn options(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(CONNECTION_WITHIN)
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                let lives = timeout(PING_WITHIN, connection.ping()).await;
                lives
                    .unwrap_or(Err(sqlx::Error::PoolTimedOut))
                    .map(|()| true)
            })
        })
}

/// A connection of the pool.
///
/// # Errors
/// None can be had in time.
pub async fn acquire(pool: &PgPool) -> Result<Connection> {
    let taken = pool.acquire().await?;
    Ok(Connection {
        taken: Some(taken),
        since: Instant::now(),
        state: State::Plain,
    })
}

/// A transaction that begins with these statements. Dropped before it is committed, it is rolled back.
///
/// # Errors
/// As every query.
pub async fn begin(pool: &PgPool, statements: &'static str) -> Result<Transaction> {
    let mut connection = acquire(pool).await?;
    connection.state = State::Between;
    sqlx::raw_sql(statements).execute(&mut *connection).await?;
    connection.state = State::Begun;
    Ok(Transaction(connection))
}

/// A connection of the pool; it goes back when dropped, or is closed if it may hang.
#[derive(Debug)]
pub struct Connection {
    /// Until it is dropped.
    taken: Option<PoolConnection<Postgres>>,
    since: Instant,
    state: State,
}

/// A transaction.
#[derive(Debug)]
pub struct Transaction(Connection);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In no transaction.
    Plain,
    /// In one that is to be rolled back.
    Begun,
    /// BEGIN or COMMIT is sent and not answered: nobody knows what the next user would get.
    Between,
}

impl Transaction {
    /// Commits it.
    ///
    /// # Errors
    /// As every query: whether it was committed is then not known.
    pub async fn commit(mut self) -> Result<()> {
        self.0.state = State::Between;
        sqlx::raw_sql("commit").execute(&mut *self.0).await?;
        self.0.state = State::Plain;
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(taken) = self.taken.take() else {
            return;
        };
        let may_hang = self.state == State::Between || self.since.elapsed() > OVERDUE;
        match Handle::try_current() {
            Ok(runtime) if !may_hang => {
                let is_begun = self.state == State::Begun;
                runtime.spawn(timeout(OVERDUE, give_back(taken, is_begun)));
            }
            // The socket closes, and the pool may open another.
            Ok(_) | Err(_) => drop(taken.detach()),
        }
    }
}

/// To the pool. Cut short, it is closed instead.
async fn give_back(mut taken: PoolConnection<Postgres>, is_begun: bool) {
    taken.close_on_drop();
    if is_begun
        && sqlx::raw_sql("rollback")
            .execute(&mut *taken)
            .await
            .is_err()
    {
        return;
    }
    // Dropping it would do the same, and wait for ever for the ping that comes with it.
    taken.return_to_pool().await;
}

impl Deref for Connection {
    type Target = PgConnection;

    #[expect(clippy::expect_used, reason = "only Drop takes it, and comes last")]
    fn deref(&self) -> &PgConnection {
        self.taken
            .as_deref()
            .expect("it is there until it is dropped")
    }
}

impl DerefMut for Connection {
    #[expect(clippy::expect_used, reason = "only Drop takes it, and comes last")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        let taken = self.taken.as_deref_mut();
        taken.expect("it is there until it is dropped")
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
