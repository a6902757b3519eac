//! The live table: drawn over itself on a terminal, one line every few seconds elsewhere.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, SystemTime};

use keylease::proto::{HealthState, KeyStatus, LimitStatus, PoolStatus, VersionStage};
use stand_in::Counts;

use crate::admin::id_of;
use crate::tally::Tally;

/// From one line to the next where nobody watches a terminal.
const LINE_EVERY: Duration = Duration::from_secs(4);

/// Width of the bar of a limit, in characters.
const BAR: u64 = 30;

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
                "  {:<20} {:<26} {:<14} {:>7}",
                "key", "state", "versions", "leases"
            ),
        ];
        lines.extend(self.status.keys.iter().map(key_line));
        lines.push(format!("  {:<20} {:<30}", "limit", "charged"));
        lines.extend(self.status.limits.iter().map(limit_line));
        lines.push(format!("  {:<20} {}", "clients", self.clients()));
        lines.push(format!("  {:<20} {}", "provider", provider(&self.counts)));
        lines
    }

    fn line(&self) -> String {
        let keys: Vec<String> = self
            .status
            .keys
            .iter()
            .map(|key| format!("{} {} {}", id_of(&key.key), state(key), key.leases))
            .collect();
        format!(
            "{:>4.0} s  {} | {} | {}",
            self.elapsed.as_secs_f64(),
            keys.join(", "),
            self.clients(),
            provider(&self.counts)
        )
    }

    fn clients(&self) -> String {
        let tally = &self.tally;
        format!(
            "{} leases, {} of them waited for; {} refusals; {} answered 200",
            tally.leases, tally.waited, tally.refused, tally.succeeded
        )
    }
}

/// What the provider saw, in one line.
pub(crate) fn provider(counts: &Counts) -> String {
    let busiest: Vec<String> = counts
        .accounts
        .iter()
        .flat_map(|account| [account.burst, Some(account.requests)])
        .flatten()
        .map(|seen| {
            let (busiest, amount) = (seen.busiest_window, seen.amount);
            format!("busiest {} s {busiest} of {amount}", seen.window_ms / 1000)
        })
        .collect();
    format!(
        "{}; {} answered 429",
        busiest.join(", "),
        counts.rate_limited()
    )
}

fn key_line(key: &KeyStatus) -> String {
    let name = id_of(&key.key);
    format!(
        "  {name:<20} {:<26} {:<14} {:>7}",
        state(key),
        versions(key),
        key.leases
    )
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

fn limit_line(limit: &LimitStatus) -> String {
    let charged = u64::try_from(limit.charged).unwrap_or_default();
    let amount = u64::try_from(limit.amount).unwrap_or_default().max(1);
    let full = (charged * BAR / amount).min(BAR);
    let bar = "#".repeat(usize::try_from(full).unwrap_or_default());
    let name = id_of(&limit.limit);
    format!("  {name:<20} {bar:.<30} {charged} of {amount}")
}
