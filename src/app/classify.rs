//! `keylease classify`: what a response would be taken for, and by which rule. Needs no server.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use crate::domain::backoff;
use crate::domain::classify::{
    Explained, POOL_RULES_BYTES_MAX, PoolRules, Response, RuleBook, built_in, explain,
};
use crate::domain::time::Timestamp;

mod help;
mod input;
mod surrogates;

pub(super) use help::HELP;
use input::Received;

/// Where responses come from.
const INPUT: &str = "standard input";
/// What is said beside the class where no rule explains a failure.
const GUESS: &str = ", most likely: no rule explains it";
/// A longer line is no response that anybody reported.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Explain what a response would be taken for
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// Whose response it is: openai, anthropic, gemini, stripe, or another provider that has rules, such as groq
    #[arg(long, value_name = "PROFILE", default_value = "generic")]
    profile: String,
    /// A file of rules of a pool, to be tried before they are given to it: they come before the built-in ones
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Read many responses, one JSON object a line
    #[arg(long)]
    jsonl: bool,
    /// Print the one verdict as JSON
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,
}

/// A verdict in the words of the rules.
#[derive(Debug, Default, Serialize)]
struct Verdict<'a> {
    class: Option<&'a str>,
    scope: Option<&'a str>,
    retry_after_ms: Option<u64>,
    advice: Option<&'a str>,
    rule: Option<&'a str>,
    /// No rule explains it, and this is the likeliest.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    guess: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs the verb. `FAILURE` if a line could not be read.
///
/// # Errors
/// Standard input is no response, or standard output is closed.
pub fn run(args: &ClassifyArgs) -> anyhow::Result<ExitCode> {
    let book = built_in().map_err(Clone::clone)?;
    let judge = Judge {
        book,
        pool: args.rules.as_deref().map(rules).transpose()?,
        profile: &args.profile,
    };
    if args.jsonl {
        many(&judge)
    } else {
        one(args, &judge)
    }
}

/// Whose rules are asked.
struct Judge<'a> {
    book: &'a RuleBook,
    pool: Option<PoolRules>,
    profile: &'a str,
}

impl Judge<'_> {
    /// Whose response it is, and what it is.
    fn explain<'a>(
        &'a self,
        received: &'a Received,
        now: Option<Timestamp>,
    ) -> (&'a str, Option<Explained<'a>>) {
        let provider = received.provider.as_deref().unwrap_or(self.profile);
        let rules = self.book.named(provider).after(self.pool.as_ref());
        (provider, explain(&received.response(), rules, now))
    }
}

/// The rules of a file.
fn rules(path: &Path) -> anyhow::Result<PoolRules> {
    let named = || path.display().to_string();
    let mut text = String::new();
    // One byte more, so that the parser says by how much it is too long.
    let file = File::open(path).with_context(named)?;
    let mut bounded = file.take(POOL_RULES_BYTES_MAX as u64 + 1);
    bounded.read_to_string(&mut text).with_context(named)?;
    let parsed = PoolRules::parse(text).map_err(anyhow::Error::msg);
    parsed.with_context(named)
}

fn one(args: &ClassifyArgs, judge: &Judge<'_>) -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(LINE_BYTES_MAX + 1);
    input.read_to_end(&mut bytes).context(INPUT)?;
    if bytes.len() as u64 > LINE_BYTES_MAX {
        bail!("{INPUT} is longer than 16 MiB");
    }
    let received = Received::parse(&bytes).map_err(anyhow::Error::msg)?;
    let (provider, found) = judge.explain(&received, now());
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json(&verdict(found.as_ref())))?;
    } else {
        writeln!(out, "{}", text(provider, found.as_ref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn many(judge: &Judge<'_>) -> anyhow::Result<ExitCode> {
    let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
    let (mut line, mut number, mut all_read) = (Vec::new(), 0_u64, true);
    while let Some(is_whole) = next_line(&mut input, &mut line).context(INPUT)? {
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let received = if is_whole {
            Received::parse_json(&line)
        } else {
            Err("is longer than 16 MiB".to_owned())
        };
        let answer = match &received {
            Ok(received) => verdict(judge.explain(received, None).1.as_ref()),
            Err(what) => Verdict {
                error: Some(format!("line {number} {what}")),
                ..Verdict::default()
            },
        };
        all_read &= received.is_ok();
        writeln!(out, "{}", json(&answer))?;
    }
    Ok(if all_read {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads a line, and says whether it is whole; `None` at the end. The rest of one that is too long is passed over, and not kept.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    if input.take(LINE_BYTES_MAX).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let is_whole = line.ends_with(b"\n") || (line.len() as u64) < LINE_BYTES_MAX;
    if !is_whole {
        input.skip_until(b'\n')?;
    }
    Ok(Some(is_whole))
}

fn verdict<'a>(found: Option<&Explained<'a>>) -> Verdict<'a> {
    let Some(found) = found else {
        return Verdict::default();
    };
    let failure = &found.failure;
    let stated = failure.retry_after.map(|stated| stated.as_millis());
    Verdict {
        class: Some(failure.class.as_str()),
        scope: Some(failure.blame.as_str()),
        retry_after_ms: stated.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX)),
        advice: Some(failure.advice.as_str()),
        rule: Some(found.rule),
        guess: found.is_guess,
        error: None,
    }
}

fn json(verdict: &Verdict<'_>) -> String {
    serde_json::to_string(verdict).unwrap_or_default()
}

fn text(provider: &str, found: Option<&Explained<'_>>) -> String {
    let Some(found) = found else {
        return format!("no failure, by the rules of {provider}");
    };
    let failure = &found.failure;
    let stated = failure.retry_after.map_or_else(
        || "none".to_owned(),
        |stated| humantime::format_duration(stated).to_string(),
    );
    format!(
        "rule      {}\nclass     {}{}\nblame     {}\nstated    {stated}\ncooldown  {}\nadvice    {}",
        found.rule,
        failure.class.as_str(),
        if found.is_guess { GUESS } else { "" },
        failure.blame.as_str(),
        backoff::in_words(failure),
        failure.advice.as_str(),
    )
}

fn now() -> Option<Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let micros = i64::try_from(since.as_micros()).ok()?;
    Some(Timestamp::from_micros(micros))
}

impl Received {
    fn response(&self) -> Response<'_> {
        Response {
            status: self.status,
            headers: &self.headers,
            body: &self.body,
        }
    }
}
