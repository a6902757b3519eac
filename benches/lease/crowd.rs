//! Load over many pools, which `h2load` can't make: clients that know our messages. They cost more than the server, so what tells is the
//! server's time on a core per call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use keylease::proto::lease_service_client::LeaseServiceClient;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::extent::Extent;
use crate::figures::micros_per_call;
use crate::say;
use crate::side::{Flood, Pairs, Ratios, TURNS_MAX};
use crate::vault::Vault;
use crate::world::request;

/// A thousand limits are reserved in many transactions, each of which a busy disk may hold up: nobody is refused for that.
const PATIENCE: prost_types::Duration = prost_types::Duration {
    seconds: 30,
    nanos: 0,
};
/// And then it is not answered at all.
const ANSWERED_WITHIN: Duration = Duration::from_secs(40);
/// Until the demand for each of a thousand limits is known.
const WARM_UPS: usize = 3;
const CONNECTIONS: usize = 8;
/// Calls at once on each.
const STREAMS: usize = 16;

/// Clients of one vault, who lease from each of its pools in turn.
#[derive(Debug)]
pub(crate) struct Crowd<'a> {
    name: String,
    vault: &'a Vault,
    pools: Arc<Vec<String>>,
    channels: Vec<Channel>,
}

impl<'a> Crowd<'a> {
    /// They connect when they call first.
    pub(crate) fn new(name: &str, vault: &'a Vault, pools: Vec<String>) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{}", vault.server.address))?;
        Ok(Self {
            name: name.to_owned(),
            vault,
            pools: Arc::new(pools),
            channels: (0..CONNECTIONS).map(|_| endpoint.connect_lazy()).collect(),
        })
    }

    /// Both vaults in turns.
    pub(crate) async fn floods(&self, other: &Self, extent: Extent) -> anyhow::Result<Ratios> {
        let calls = extent.calls();
        for _ in 0..WARM_UPS {
            self.flood(calls).await?;
            other.flood(calls).await?;
        }
        let mut pairs = Pairs::default();
        for turn in 0..TURNS_MAX {
            let (mine, its) = if turn % 2 == 0 {
                let mine = self.flood(calls).await?;
                (mine, other.flood(calls).await?)
            } else {
                let its = other.flood(calls).await?;
                (self.flood(calls).await?, its)
            };
            if let (Some(mine), Some(its)) = (mine, its) {
                pairs.add(&mine, &its);
            }
            if pairs.count() == extent.rounds() {
                return Ok(pairs.ratios());
            }
        }
        anyhow::bail!("too few measurements were good; the machine is too busy")
    }

    /// Every call must give a lease; none if one did not, and then the others that were to come are not made.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    async fn flood(&self, calls: usize) -> anyhow::Result<Option<Flood>> {
        let (began, cpu) = (Instant::now(), self.vault.server.cpu()?);
        let turns = Arc::new(AtomicUsize::new(0));
        let mut spoilt = None;
        let mut callers = JoinSet::new();
        for channel in &self.channels {
            for _ in 0..STREAMS {
                let client = LeaseServiceClient::new(channel.clone());
                let authorization = self.vault.authorization().parse()?;
                callers.spawn(call(
                    client,
                    authorization,
                    Arc::clone(&self.pools),
                    (Arc::clone(&turns), calls),
                ));
            }
        }
        while let Some(called) = callers.join_next().await {
            if let Err(error) = called? {
                turns.store(calls, Ordering::Relaxed);
                spoilt.get_or_insert(error);
            }
        }
        if let Some(error) = spoilt {
            say(&format!("thrown away: {}: {error:#}", self.name));
            return Ok(None);
        }
        let rate = calls as f64 / began.elapsed().as_secs_f64();
        let cpu = micros_per_call(self.vault.server.cpu()?.saturating_sub(cpu), calls as u64);
        say(&format!(
            "{:>24}: {rate:>9.0} calls/s, {cpu:5.1} us of a core each",
            self.name
        ));
        Ok(Some(Flood {
            rate,
            cpu_micros: cpu,
        }))
    }
}

async fn call(
    mut client: LeaseServiceClient<Channel>,
    authorization: tonic::metadata::AsciiMetadataValue,
    pools: Arc<Vec<String>>,
    (turns, calls): (Arc<AtomicUsize>, usize),
) -> anyhow::Result<()> {
    loop {
        let turn = turns.fetch_add(1, Ordering::Relaxed);
        if turn >= calls {
            return Ok(());
        }
        let mut message = request(&pools[turn % pools.len()]);
        message.max_wait = Some(PATIENCE);
        let mut request = tonic::Request::new(message);
        request.set_timeout(ANSWERED_WITHIN);
        request
            .metadata_mut()
            .insert("authorization", authorization.clone());
        let lease = client.lease_key(request).await?.into_inner();
        anyhow::ensure!(lease.granted == 1, "a lease of no use");
    }
}
