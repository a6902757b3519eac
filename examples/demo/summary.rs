//! The end: what everybody counted, and whether it is as it must be.

use std::time::SystemTime;

use keylease::proto::{Health, HealthState, KeyStatus, PoolStatus, VersionStage};
use stand_in::{Counts, LimitCounts};

use crate::admin::id_of;
use crate::provider::{ROTATED_SECRET, Secrets};
use crate::screen::{Screen, ahead, measured};
use crate::tally::Tally;

/// What is known when all clients have ended.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) tally: Tally,
    pub(crate) troubles: Vec<String>,
    pub(crate) status: PoolStatus,
    pub(crate) counts: Counts,
    pub(crate) secrets: Secrets,
    pub(crate) dead_key: String,
    pub(crate) rotated_key: String,
}

/// Something that must be so.
struct Check {
    holds: bool,
    text: String,
}

impl Evidence {
    /// Prints the summary. True if every check holds.
    pub(crate) fn show(&self, screen: &mut Screen) -> anyhow::Result<bool> {
        let tally = &self.tally;
        screen.say("")?;
        screen.say(&format!(
            "leases    {} given, {} of them after a wait; {} calls told when to come back",
            tally.leases, tally.waited, tally.refused
        ))?;
        screen.say(&format!(
            "outcomes  {} x 200 ({} of them on a second key), {} x 401, {} x 429, {} not sent",
            tally.succeeded, tally.rescued, tally.unauthorized, tally.rate_limited, tally.late
        ))?;
        screen.say(&format!(
            "unserved  {} requests, for which the limits had no room",
            tally.dropped
        ))?;
        let checks = self.checks();
        for check in &checks {
            let word = if check.holds { "ok" } else { "FAILED" };
            screen.say(&format!("{word:<8}  {}", check.text))?;
        }
        Ok(checks.iter().all(|check| check.holds))
    }

    fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.rate_limited()];
        checks.extend(measured(&self.counts).map(within));
        checks.extend([
            self.agreement(),
            self.pressure(),
            self.death(),
            self.rotation(),
        ]);
        checks.extend(self.troubles());
        checks
    }

    fn rate_limited(&self) -> Check {
        let refused = self.counts.rate_limited();
        let sent = self.sent();
        Check {
            holds: refused == 0 && self.tally.rate_limited == 0 && sent > 0,
            text: format!("{refused} of {sent} requests rate-limited, by the provider's own count"),
        }
    }

    fn sent(&self) -> u64 {
        let accounts = self.counts.accounts.iter();
        accounts.map(|account| account.requests.arrived).sum()
    }

    /// The vault, the clients and the provider have counted apart: no key may have been used more often than it was leased.
    fn agreement(&self) -> Check {
        let keys = &self.status.keys;
        let leased: u64 = keys
            .iter()
            .map(|key| u64::try_from(key.leases).unwrap_or_default())
            .sum();
        let overused = keys.iter().any(|key| {
            let arrived = self.secrets.arrived(&key.key, &self.counts);
            u64::try_from(key.leases).is_ok_and(|leases| arrived > leases)
        });
        let (taken, sent, late) = (self.tally.leases, self.sent(), self.tally.late);
        Check {
            holds: !overused && leased == taken && taken == sent + late,
            text: format!(
                "leases as the vault counts: {leased}, the clients: {taken}; sent: {sent}"
            ),
        }
    }

    /// Zero 429s prove nothing where nobody wanted more than the limit.
    fn pressure(&self) -> Check {
        let (waited, refused) = (self.tally.waited, self.tally.refused);
        Check {
            holds: waited + refused > 0,
            text: format!(
                "the clients wanted more than the limits: {waited} waits, {refused} refusals"
            ),
        }
    }

    fn death(&self) -> Check {
        let key = id_of(&self.dead_key);
        let health = self
            .current(&self.dead_key)
            .filter(|health| health.state() == HealthState::Dead);
        let until = health
            .and_then(|health| health.until)
            .and_then(|until| SystemTime::try_from(until).ok());
        let text = match until {
            Some(until) => format!(
                "key {key} is dead; its blacklist ends at {} (in {})",
                humantime::format_rfc3339_seconds(until),
                ahead(until)
            ),
            None => format!("key {key} is dead at the provider and the vault has not noticed"),
        };
        Check {
            holds: until.is_some_and(|until| until > SystemTime::now()),
            text,
        }
    }

    fn rotation(&self) -> Check {
        let key = id_of(&self.rotated_key);
        let served = self
            .counts
            .key(ROTATED_SECRET)
            .map_or(0, |key| key.succeeded);
        let well = self
            .current(&self.rotated_key)
            .is_some_and(|health| health.state() == HealthState::Active);
        Check {
            holds: served > 0 && well,
            text: format!(
                "key {key} was rotated under way; its new secret served {served} requests"
            ),
        }
    }

    fn troubles(&self) -> Vec<Check> {
        let unknown = match self.counts.unknown_keys {
            0 => None,
            unknown => Some(format!("{unknown} requests came with a key of no account")),
        };
        let unexpected = self.tally.first_unexpected.as_ref().map(|first| {
            format!(
                "{} unexpected failures, the first: {first}",
                self.tally.unexpected
            )
        });
        let clients = self.troubles.iter().cloned();
        clients
            .chain(unknown)
            .chain(unexpected)
            .map(|text| Check { holds: false, text })
            .collect()
    }

    /// The health of the version in use.
    fn current(&self, key: &str) -> Option<&Health> {
        let is_key = |status: &&KeyStatus| status.key == key;
        let versions = &self.status.keys.iter().find(is_key)?.versions;
        versions
            .iter()
            .find(|version| version.stage() == VersionStage::Current)?
            .health
            .as_ref()
    }
}

fn within(seen: LimitCounts) -> Check {
    Check {
        holds: seen.busiest_window <= seen.amount && seen.exact,
        text: format!(
            "busiest {} s: {} requests of {} allowed",
            seen.window_ms / 1000,
            seen.busiest_window,
            seen.amount
        ),
    }
}
