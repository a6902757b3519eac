//! The live table: drawn over itself on a terminal, one line every few seconds elsewhere.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, SystemTime};

use keylease::proto::{HealthState, KeyStatus, LimitStatus, PoolStatus, VersionStage};
use stand_in::{AccountCounts, Counts, LimitCounts};

use crate::admin::id_of;
use crate::provider::Secrets;
use crate::tally::Tally;

/// From one line to the next where nobody watches a terminal.
const LINE_EVERY: Duration = Duration::from_secs(4);

/// Width of the bar of a limit, in characters.
const BAR: u64 = 24;

/// Terminals cut lines that are too long, or wrap them.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Where the demo prints.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: bool,
    /// Lines of the table that are on the terminal now.
    drawn: usize,
    next_line: Duration,
}

/// Everything there is to see at a moment.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) elapsed: Duration,
    pub(crate) length: Duration,
    pub(crate) status: PoolStatus,
    pub(crate) tally: Tally,
    pub(crate) counts: Counts,
    pub(crate) secrets: Secrets,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            terminal: stdout().is_terminal(),
            drawn: 0,
            next_line: Duration::ZERO,
        }
    }

    /// Prints a line that stays. The table, if there is one, is drawn again below it.
    pub(crate) fn say(&mut self, line: &str) -> anyhow::Result<()> {
        let mut out = stdout().lock();
        self.wipe(&mut out)?;
        writeln!(out, "{line}")?;
        Ok(())
    }

    /// Prints what happened and when.
    pub(crate) fn event(&mut self, elapsed: Duration, what: String) -> anyhow::Result<()> {
        self.say(&format!("{:>4.0} s  {what}", elapsed.as_secs_f64()))
    }

    /// Draws the table, or now and then a line.
    pub(crate) fn draw(&mut self, scene: &Scene) -> anyhow::Result<()> {
        if self.terminal {
            let lines = scene.lines();
            let mut out = stdout().lock();
            self.wipe(&mut out)?;
            // Without wrapping, a narrow terminal cuts the lines and their number stays what it is.
            write!(out, "{NO_WRAP}")?;
            for line in &lines {
                writeln!(out, "{line}")?;
            }
            write!(out, "{WRAP}")?;
            out.flush()?;
            self.drawn = lines.len();
        } else if scene.elapsed >= self.next_line {
            self.next_line += LINE_EVERY;
            writeln!(stdout(), "{}", scene.line())?;
        }
        Ok(())
    }

    /// Moves over the table and clears it, so that the next one takes its place.
    fn wipe(&mut self, out: &mut impl Write) -> anyhow::Result<()> {
        if self.drawn > 0 {
            write!(out, "\x1b[{}A\x1b[J", self.drawn)?;
            self.drawn = 0;
        }
        Ok(())
    }
}

impl Scene {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            String::new(),
            format!(
                "{:>4.0} s of {} s",
                self.elapsed.as_secs_f64(),
                self.length.as_secs()
            ),
            format!(
                "  {:<20} {:<20} {:<12} {:>8} {:>12}",
                "key", "state", "versions", "leases", "at provider"
            ),
        ];
        lines.extend(self.status.keys.iter().map(|key| self.key_line(key)));
        lines.push(format!(
            "  {:<20} {:<36} {}",
            "limit", "charged by the vault", "busiest at provider"
        ));
        lines.extend(self.status.limits.iter().map(|l| self.limit_line(l)));
        let tally = &self.tally;
        lines.push(format!(
            "  {:<20} {} leases, {} of them after a wait",
            "clients", tally.leases, tally.waited
        ));
        lines.push(format!("  {:<20} {}", "provider", answers(&self.counts)));
        lines
    }

    /// For where nobody watches a terminal.
    fn line(&self) -> String {
        let keys: Vec<String> = self.status.keys.iter().map(brief).collect();
        format!(
            "{:>4.0} s  leases: {}; provider: {}",
            self.elapsed.as_secs_f64(),
            keys.join(", "),
            answers(&self.counts)
        )
    }

    fn key_line(&self, key: &KeyStatus) -> String {
        format!(
            "  {:<20} {:<20} {:<12} {:>8} {:>12}",
            id_of(&key.key),
            state(key),
            versions(key),
            key.leases,
            self.secrets.arrived(&key.key, &self.counts)
        )
    }

    fn limit_line(&self, limit: &LimitStatus) -> String {
        let name = id_of(&limit.limit);
        let charged = u64::try_from(limit.charged).unwrap_or_default();
        let amount = u64::try_from(limit.amount).unwrap_or_default().max(1);
        let full = (charged * BAR / amount).min(BAR);
        let bar = "#".repeat(usize::try_from(full).unwrap_or_default());
        let use_of = format!("{charged} of {amount}");
        let busiest = measured(&self.counts)
            .find(|seen| seen.amount == amount)
            .map(|seen| format!("{} in {} s", seen.busiest_window, seen.window_ms / 1000))
            .unwrap_or_default();
        format!("  {name:<20} {bar:.<24} {use_of:<11} {busiest}")
    }
}

/// What the provider answered, in one line.
fn answers(counts: &Counts) -> String {
    let sum = |of: fn(&AccountCounts) -> u64| counts.accounts.iter().map(of).sum::<u64>();
    format!(
        "{} x 200, {} x 401, {} x 429",
        sum(|account| account.succeeded),
        sum(|account| account.unauthorized),
        counts.rate_limited()
    )
}

/// What the provider measured, limit by limit.
pub(crate) fn measured(counts: &Counts) -> impl Iterator<Item = LimitCounts> {
    let limits = counts
        .accounts
        .iter()
        .flat_map(|account| [account.burst, Some(account.requests)]);
    limits.flatten()
}

fn brief(key: &KeyStatus) -> String {
    let (name, leases) = (id_of(&key.key), key.leases);
    match state(key).as_str() {
        "active" => format!("{name} {leases}"),
        state => format!("{name} {leases} ({state})"),
    }
}

/// The health of the version in use.
pub(crate) fn state(key: &KeyStatus) -> String {
    if key.disablement.is_some() {
        return "disabled".to_owned();
    }
    let current = key
        .versions
        .iter()
        .find(|version| version.stage() == VersionStage::Current);
    let Some(health) = current.and_then(|version| version.health.as_ref()) else {
        return "unknown".to_owned();
    };
    let word = match health.state() {
        HealthState::Active => return "active".to_owned(),
        HealthState::Cooling => "cooling",
        HealthState::Dead => "dead",
        HealthState::Unspecified => "unknown",
    };
    match health.until.map(SystemTime::try_from) {
        Some(Ok(until)) => format!("{word} for {}", ahead(until)),
        _ => word.to_owned(),
    }
}

/// How far ahead a time is, in minutes where it is an hour or more.
pub(crate) fn ahead(until: SystemTime) -> String {
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    let seconds = left.as_secs();
    // Rounded up, since a TTL of a day reads 24 h a moment after it began.
    match seconds.div_ceil(60) {
        0..60 => format!("{seconds} s"),
        minutes if minutes % 60 == 0 => format!("{} h", minutes / 60),
        minutes => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

fn versions(key: &KeyStatus) -> String {
    let names: Vec<String> = key
        .versions
        .iter()
        .map(|version| {
            let number = id_of(&version.version);
            match version.stage() {
                VersionStage::Current => format!("v{number}"),
                VersionStage::Previous => format!("(v{number})"),
                VersionStage::Pending | VersionStage::Revoked | VersionStage::Unspecified => {
                    format!("[v{number}]")
                }
            }
        })
        .collect();
    names.join(" ")
}
