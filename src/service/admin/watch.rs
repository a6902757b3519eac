//! `GetStatus`, and `WatchStatus`: the same again and again, to a bounded number of callers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::seats::Seat;
use super::{Admin, Answer, status_message};
use crate::domain::field::FieldErrors;
use crate::domain::name::PoolName;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::parse_millis;
use crate::service::status;
use crate::store::connection::{ANSWER_WITHIN, in_time};
use crate::vault::{Refusal, Vault};

const INTERVAL_DEFAULT: Duration = Duration::from_secs(2);
const INTERVAL_MIN: Duration = Duration::from_secs(1);
const INTERVAL_MAX: Duration = Duration::from_hours(1);

/// What a watch answers.
pub(super) type Statuses =
    Pin<Box<dyn Stream<Item = Result<proto::WatchStatusResponse, Status>> + Send>>;

/// What is sent, how often, and the room it takes.
struct Watch {
    vault: Arc<Vault>,
    pool: PoolName,
    interval: Duration,
    identity: Identity,
    _seat: Seat,
}

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetStatusRequest,
) -> Answer<proto::GetStatusResponse> {
    let pool = PoolName::parse("pool", &request.pool)?;
    Ok(proto::GetStatusResponse {
        status: Some(read(&admin.vault, &pool).await?),
    })
}

pub(super) async fn watch(
    admin: &Admin,
    identity: Identity,
    request: proto::WatchStatusRequest,
) -> Answer<Statuses> {
    let mut errors = FieldErrors::default();
    let pool = errors.take(PoolName::parse("pool", &request.pool));
    let interval = parse_millis("interval", request.interval, INTERVAL_MIN, INTERVAL_MAX);
    let interval = errors.take(interval);
    let (pool, interval) = errors.ready(pool.zip(interval))?;
    let seat = admin.watches.seat(identity.bearer.caller.meta.uid)?;
    let watch = Watch {
        vault: Arc::clone(&admin.vault),
        pool,
        interval: interval.unwrap_or(INTERVAL_DEFAULT),
        identity,
        _seat: seat,
    };
    // The first answer is read before the stream begins, so that a pool that does not exist is refused in the ordinary way.
    let first = read(&watch.vault, &watch.pool).await?;
    // One answer waits at most: a slow reader gets fewer of them, never old ones in a row.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(watch.run(sender, first));
    Ok(Box::pin(ReceiverStream::new(receiver)))
}

impl Watch {
    /// Sends until the caller goes away or may not read any more, the server drains, or the pool cannot be read.
    async fn run(
        self,
        sender: mpsc::Sender<Result<proto::WatchStatusResponse, Status>>,
        first: proto::PoolStatus,
    ) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut next = Ok(first);
        loop {
            let is_last = next.is_err();
            let answer = next.map(|status| proto::WatchStatusResponse {
                status: Some(status),
            });
            let is_gone = tokio::select! {
                sent = sender.send(answer) => sent.is_err(),
                () = self.vault.live().drained() => true,
            };
            if is_last || is_gone {
                return;
            }
            tokio::select! {
                _ = ticks.tick() => {}
                () = sender.closed() => return,
                () = self.vault.live().drained() => return,
            }
            next = self.next().await.map_err(status::of_error);
        }
    }

    async fn next(&self) -> Answer<proto::PoolStatus> {
        self.check()?;
        read(&self.vault, &self.pool).await
    }

    /// Whether its caller would still be let in.
    fn check(&self) -> Result<(), Refusal> {
        let live = self.vault.live();
        let now = live.now();
        let snapshot = live.fresh_snapshot(now.boot);
        let snapshot = snapshot.ok_or(Refusal::SnapshotStale)?;
        let caller = snapshot.still(&self.identity.bearer, now.database);
        let caller = caller.ok_or(Refusal::TokenRejected)?;
        if caller.has(self.identity.asked) {
            return Ok(());
        }
        let needed = self.identity.asked.roles();
        Err(Refusal::RoleMissing { needed })
    }
}

async fn read(vault: &Vault, pool: &PoolName) -> Answer<proto::PoolStatus> {
    let status = in_time(ANSWER_WITHIN, vault.get_status(pool)).await?;
    Ok(status_message::of(&status))
}
