//! One of two servers that are measured in turns: A B, B A, A B, …, so that what else the machine does meets both.

use std::time::Duration;

use prost::Message;

use crate::figures::{calls_of, median, micros_per_call};
use crate::load::Target;
use crate::process::Server;
use crate::vault::Vault;
use crate::world::request;
use crate::{bare, say};

/// Pairs of measurements. Odd, so that one is in the middle.
const ROUNDS: usize = 5;
/// How long one measurement takes.
const SECONDS: f64 = 3.0;
/// The same at a steady rate, the beginning that does not count included.
const STEADY_SECONDS: u64 = 5;
/// Pairs at a steady rate that are thrown away because the machine did something else meanwhile, before this gives up.
const UNSTEADY_MAX: usize = 15;
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
struct Flood {
    rate: f64,
    cpu_micros: f64,
}

impl<'a> Side<'a> {
    /// LeaseKey of a pool.
    pub(crate) fn lease(name: &str, vault: &'a Vault, pool: &'static str) -> anyhow::Result<Self> {
        let message = request(pool).encode_to_vec();
        let target = Target::new(
            &vault.folder,
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
        let target = Target::new(&vault.folder, "bare", url, &message, vault.authorization())?;
        Ok(Self {
            name: name.to_owned(),
            server,
            target,
            leases: None,
        })
    }

    /// Both as fast as they answer.
    pub(crate) async fn floods(&self, other: &Self) -> anyhow::Result<Ratios> {
        let (my_calls, its_calls) = (self.calls().await?, other.calls().await?);
        let (mut rates, mut cpus, mut other_rates) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let (mine, its) = if round % 2 == 0 {
                let mine = self.flood(my_calls).await?;
                (mine, other.flood(its_calls).await?)
            } else {
                let its = other.flood(its_calls).await?;
                (self.flood(my_calls).await?, its)
            };
            rates.push(mine.rate / its.rate);
            cpus.push(mine.cpu_micros / its.cpu_micros);
            other_rates.push(its.rate);
        }
        Ok(Ratios {
            rate: median(rates),
            cpu: median(cpus),
            other_rate: median(other_rates),
        })
    }

    /// The median over all pairs of the ratio of p99, both at this rate. Where either did not reach it, the pair is measured anew.
    pub(crate) async fn steadies(&self, other: &Self, rate: f64) -> anyhow::Result<f64> {
        let rate = calls_of(rate, 1.0);
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS + UNSTEADY_MAX {
            let (mine, its) = (self.steady(rate).await?, other.steady(rate).await?);
            if let (Some(mine), Some(its)) = (mine, its) {
                ratios.push(mine.as_secs_f64() / its.as_secs_f64());
            }
            if ratios.len() == ROUNDS {
                return Ok(median(ratios));
            }
        }
        anyhow::bail!("{rate} calls/s were not held often enough; the machine is too busy")
    }

    /// So many calls as one measurement takes, after a warm-up.
    async fn calls(&self) -> anyhow::Result<u64> {
        let first = self.flood(WARM_UP / 10).await?;
        let warm_up = calls_of(first.rate, 1.0).min(WARM_UP);
        Ok(calls_of(self.flood(warm_up).await?.rate, SECONDS))
    }

    async fn flood(&self, calls: u64) -> anyhow::Result<Flood> {
        let cpu = self.server.cpu()?;
        let load = self.counted(calls, self.target.flood(calls)).await?;
        let cpu_micros = micros_per_call(self.server.cpu()?.saturating_sub(cpu), calls);
        say(&format!(
            "{:>24}: {:>9.0} calls/s, {cpu_micros:5.1} us of a core each; h2load {:.2} cores",
            self.name, load.rate, load.generator_cores
        ));
        Ok(Flood {
            rate: load.rate,
            cpu_micros,
        })
    }

    async fn steady(&self, rate: u64) -> anyhow::Result<Option<Duration>> {
        let p99 = self.hold(rate, STEADY_SECONDS).await?;
        let said = p99.map_or("not held".to_owned(), |p99| format!("p99 {p99:?}"));
        say(&format!("{:>24}: {said} at {rate} calls/s", self.name));
        Ok(p99)
    }

    /// Holds a rate, and tells the p99; none if it was not reached.
    pub(crate) async fn hold(&self, rate: u64, seconds: u64) -> anyhow::Result<Option<Duration>> {
        let load = self.target.steady(rate, seconds);
        let (load, p99) = self.counted(rate * seconds, load).await?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let is_held = load.rate >= 0.95 * rate as f64;
        Ok(is_held.then_some(p99))
    }

    /// Leases are counted by the server too, and some are looked at: a refusal that is taken for an answer would flatter.
    async fn counted<T>(
        &self,
        calls: u64,
        load: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let Some((vault, pool)) = self.leases else {
            return load.await;
        };
        let before = vault.leases().await?;
        vault.sample(pool, SAMPLES).await?;
        let load = load.await?;
        vault.sample(pool, SAMPLES).await?;
        let leased = vault.leases().await? - before;
        anyhow::ensure!(
            leased == calls + 2 * SAMPLES,
            "{calls} calls and {} samples gave {leased} leases",
            2 * SAMPLES
        );
        Ok(load)
    }
}
