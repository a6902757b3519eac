//! `keylease classify`: what a response would be taken for, and by which rule. Needs no server.

use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use crate::domain::backoff;
use crate::domain::classify::{Explained, Response, RuleBook, built_in, explain};
use crate::domain::time::Timestamp;

mod input;

use input::Received;

/// What the help ends with.
pub(super) const HELP: &str = "\
One response is read as curl -i prints it: a status line, headers, an empty line, the body. Or as one JSON object of the form below.

With --jsonl, standard input has many, one a line:
  {\"provider\": \"groq\", \"status\": 429, \"headers\": {\"retry-after\": \"2\"}, \"body\": \"{\\\"error\\\": …}\"}
and each is answered by one line:
  {\"class\": \"rate_limit\", \"scope\": \"account_model\", \"retry_after_ms\": 2000, \"advice\": \"retry_other_key\", \"rule\": \"rate/code\"}
A response that is no failure has null everywhere; a line that cannot be read has an `error` besides, and makes the exit code 1.
A provider that is not known is judged by the generic rules. A status of 0 means that no answer came; the body then says why.
Times of day are measured against the response's Date. Without one, --jsonl takes them to state nothing; one response alone is taken
to have been received just now.

Examples:
  curl -si https://api.openai.com/v1/models | keylease classify --profile openai
  keylease classify --jsonl < failures.jsonl";

/// Where responses come from.
const INPUT: &str = "standard input";
/// A longer line is no response that anybody reported.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Explain what a response would be taken for
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// Whose response it is: openai, anthropic, gemini, stripe, or another provider that has rules, such as groq
    #[arg(long, value_name = "PROFILE", default_value = "generic")]
    profile: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Runs the verb. `FAILURE` if a line could not be read.
///
/// # Errors
/// Standard input is no response, or standard output is closed.
pub fn run(args: &ClassifyArgs) -> anyhow::Result<ExitCode> {
    let book = built_in().map_err(Clone::clone)?;
    if args.jsonl {
        many(args, book)
    } else {
        one(args, book)
    }
}

fn one(args: &ClassifyArgs, book: &RuleBook) -> anyhow::Result<ExitCode> {
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(LINE_BYTES_MAX + 1);
    input.read_to_end(&mut bytes).context(INPUT)?;
    if bytes.len() as u64 > LINE_BYTES_MAX {
        bail!("{INPUT} is longer than 16 MiB");
    }
    let received = Received::parse(&bytes).map_err(anyhow::Error::msg)?;
    let provider = received.provider.as_deref().unwrap_or(&args.profile);
    let found = explain(&received.response(), book.named(provider), now());
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json(&verdict(found.as_ref())))?;
    } else {
        writeln!(out, "{}", text(provider, found.as_ref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn many(args: &ClassifyArgs, book: &RuleBook) -> anyhow::Result<ExitCode> {
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
            Ok(received) => {
                let provider = received.provider.as_deref().unwrap_or(&args.profile);
                verdict(explain(&received.response(), book.named(provider), None).as_ref())
            }
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
    let Some(Explained { failure, rule }) = found else {
        return Verdict::default();
    };
    let stated = failure.retry_after.map(|stated| stated.as_millis());
    Verdict {
        class: Some(failure.class.as_str()),
        scope: Some(failure.blame.as_str()),
        retry_after_ms: stated.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX)),
        advice: Some(failure.advice.as_str()),
        rule: Some(*rule),
        error: None,
    }
}

fn json(verdict: &Verdict<'_>) -> String {
    serde_json::to_string(verdict).unwrap_or_default()
}

fn text(provider: &str, found: Option<&Explained<'_>>) -> String {
    let Some(Explained { failure, rule }) = found else {
        return format!("no failure, by the rules of {provider}");
    };
    let stated = failure.retry_after.map_or_else(
        || "none".to_owned(),
        |stated| humantime::format_duration(stated).to_string(),
    );
    format!(
        "rule      {rule}\nclass     {}\nblame     {}\nstated    {stated}\ncooldown  {}\nadvice    {}",
        failure.class.as_str(),
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
