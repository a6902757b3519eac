//! One of two servers that are measured in turns: A B, B A, A B, …, so that what else the machine does meets both.

use std::time::Duration;

use prost::Message;

use crate::extent::Extent;
use crate::figures::{calls_of, median, micros_per_call};
use crate::load::Target;
use crate::process::Server;
use crate::vault::Vault;
use crate::world::request;
use crate::{bare, say};

/// The same at a steady rate, the beginning that does not count included.
const STEADY_SECONDS: u64 = 5;
/// Pairs that are tried, of which those count in which both sides were undisturbed, before this gives up.
pub(crate) const TURNS_MAX: usize = 20;
/// Calls before anything is measured.
const WARM_UP: u64 = 20_000;
/// Leases that a client looks at, before and after each measurement of leases.
const SAMPLES: u64 = 20;

/// A server, and what is asked of it.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    name: String,
    server: &'a Server,
    target: Target,
    /// Set where the answers have to be leases, with the pool they are taken from.
    leases: Option<(&'a Vault, &'static str)>,
}

/// Medians over all pairs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratios {
    /// Of calls per second, this side's over the other's.
    pub(crate) rate: f64,
    /// Of time on a core per call.
    pub(crate) cpu: f64,
    /// The other's calls per second.
    pub(crate) other_rate: f64,
}

/// One flood.
#[derive(Debug)]
pub(crate) struct Flood {
    /// Calls per second.
    pub(crate) rate: f64,
    /// Microseconds on a core per call.
    pub(crate) cpu_micros: f64,
}

impl<'a> Side<'a> {
    /// LeaseKey of a pool.
    pub(crate) fn lease(name: &str, vault: &'a Vault, pool: &'static str) -> anyhow::Result<Self> {
        let message = request(pool).encode_to_vec();
        let target = Target::new(
            &vault.folder.0,
            pool,
            vault.lease_url(),
            &message,
            vault.authorization(),
        )?;
        Ok(Self {
            name: name.to_owned(),
            server: &vault.server,
            target,
            leases: Some((vault, pool)),
        })
    }

    /// A bare server that is asked as much as the pool of `vault`.
    pub(crate) fn bare(
        name: &str,
        server: &'a Server,
        vault: &Vault,
        pool: &str,
    ) -> anyhow::Result<Self> {
        let message = bare::message(request(pool).encoded_len());
        let url = format!("http://{}{}", server.address, bare::PATH);
        let target = Target::new(
            &vault.folder.0,
            "bare",
            url,
            &message,
            vault.authorization(),
        )?;
        Ok(Self {
            name: name.to_owned(),
            server,
            target,
            leases: None,
        })
    }

    /// Both as fast as they answer.
    pub(crate) async fn floods(&self, other: &Self, extent: Extent) -> anyhow::Result<Ratios> {
        let seconds = extent.seconds();
        let (my_calls, its_calls) = (self.calls(seconds).await?, other.calls(seconds).await?);
        let mut pairs = Pairs::default();
        for turn in 0..TURNS_MAX {
            let (mine, its) = if turn % 2 == 0 {
                let mine = self.flood(my_calls).await?;
                (mine, other.flood(its_calls).await?)
            } else {
                let its = other.flood(its_calls).await?;
                (self.flood(my_calls).await?, its)
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

    /// The median over all pairs of the ratio of p99, both at this rate.
    pub(crate) async fn steadies(&self, other: &Self, rate: f64) -> anyhow::Result<f64> {
        let rate = calls_of(rate, 1.0);
        let mut ratios = Vec::new();
        for _ in 0..TURNS_MAX {
            let (mine, its) = (self.steady(rate).await?, other.steady(rate).await?);
            if let (Some(mine), Some(its)) = (mine, its) {
                ratios.push(mine.as_secs_f64() / its.as_secs_f64());
            }
            if ratios.len() == Extent::Full.rounds() {
                return Ok(median(ratios));
            }
        }
        anyhow::bail!("{rate} calls/s were not held often enough; the machine is too busy")
    }

    /// So many calls as one measurement takes, after a warm-up.
    async fn calls(&self, seconds: f64) -> anyhow::Result<u64> {
        let first = self.target.flood(WARM_UP / 10).await?;
        let warm_up = calls_of(first.rate, 1.0).min(WARM_UP);
        Ok(calls_of(self.target.flood(warm_up).await?.rate, seconds))
    }

    /// None if something was refused.
    async fn flood(&self, calls: u64) -> anyhow::Result<Option<Flood>> {
        let cpu = self.server.cpu()?;
        let Some(load) = self.counted(calls, self.target.flood(calls)).await? else {
            return Ok(None);
        };
        let cpu_micros = micros_per_call(self.server.cpu()?.saturating_sub(cpu), calls);
        say(&format!(
            "{:>24}: {:>9.0} calls/s, {cpu_micros:5.1} us of a core each; h2load {:.2} cores",
            self.name, load.rate, load.generator_cores
        ));
        Ok(Some(Flood {
            rate: load.rate,
            cpu_micros,
        }))
    }

    async fn steady(&self, rate: u64) -> anyhow::Result<Option<Duration>> {
        let p99 = self.hold(rate, STEADY_SECONDS).await?;
        let said = p99.map_or("not held".to_owned(), |p99| format!("p99 {p99:?}"));
        say(&format!("{:>24}: {said} at {rate} calls/s", self.name));
        Ok(p99)
    }

    /// Holds a rate, and tells the p99; none if it was not reached, or something was refused.
    pub(crate) async fn hold(&self, rate: u64, seconds: u64) -> anyhow::Result<Option<Duration>> {
        let load = self.target.steady(rate, seconds);
        let Some((load, p99)) = self.counted(rate * seconds, load).await? else {
            return Ok(None);
        };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let is_held = load.rate >= 0.95 * rate as f64;
        Ok(is_held.then_some(p99))
    }

    /// Leases are counted by the server too, and some are looked at: a refusal that is taken for an answer would flatter. Where a disk
    /// stalls for longer than blocks of permits live there are refusals, and such a measurement does not count.
    async fn counted<T>(
        &self,
        calls: u64,
        load: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<Option<T>> {
        let Some((vault, pool)) = self.leases else {
            return load.await.map(Some);
        };
        vault.sample(pool, SAMPLES).await?;
        let before = vault.leases().await?;
        let load = load.await?;
        let leased = vault.leases().await? - before;
        vault.sample(pool, SAMPLES).await?;
        anyhow::ensure!(leased <= calls, "{calls} calls gave {leased} leases");
        if leased < calls {
            let why = vault.refusals().await?;
            say(&format!(
                "thrown away: {calls} calls gave {leased} leases: {why}"
            ));
            return Ok(None);
        }
        Ok(Some(load))
    }
}

/// Measurements of both sides, taken one after the other.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    rates: Vec<f64>,
    cpus: Vec<f64>,
    other_rates: Vec<f64>,
}

impl Pairs {
    /// One more.
    pub(crate) fn add(&mut self, mine: &Flood, its: &Flood) {
        self.rates.push(mine.rate / its.rate);
        self.cpus.push(mine.cpu_micros / its.cpu_micros);
        self.other_rates.push(its.rate);
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.rates.len()
    }

    /// The medians.
    pub(crate) fn ratios(self) -> Ratios {
        Ratios {
            rate: median(self.rates),
            cpu: median(self.cpus),
            other_rate: median(self.other_rates),
        }
    }
}
