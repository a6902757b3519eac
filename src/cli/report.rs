//! `keylease report`: what became of a lease, and what the vault made of it.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::secret::read_bounded;
use super::{flags, output};
use crate::proto::{
    self, HttpHeader, HttpResult, NotSent, Outcome, Success, TransportFailure,
    TransportFailureKind, Usage, outcome,
};

mod view;

/// What the help ends with.
pub(crate) const HELP: &str = "\
Send a failure as it was received: status, headers and body decide what is blamed.

Examples:
  keylease report LEASE_ID --success --usage-input 812 --usage-output 95
  keylease report LEASE_ID --success --header 'x-ratelimit-remaining-requests: 0' --header 'x-ratelimit-reset-requests: 12s'
  keylease report LEASE_ID --status 429 --header 'retry-after: 20' --body-file answer.json
  keylease report LEASE_ID --timeout --detail 'no answer in 30 s'";

/// The server keeps no more of a body; the rest is not sent.
const BODY_BYTES_MAX: usize = 4 * 1024;
/// Of a stream of events so much is its beginning, and the rest its end, where the error stands.
const STREAM_HEAD_BYTES: usize = 1024;
/// Larger files are not an answer's body.
const BODY_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Outcomes that come without an answer to show.
const WITHOUT_ANSWER: [&str; 7] = [
    "success",
    "timeout",
    "connect",
    "tls",
    "dns",
    "cancelled",
    "not_sent",
];

/// Of these, those that come without headers too.
const WITHOUT_HEADERS: &[&str] = WITHOUT_ANSWER.split_at(1).1;

/// What happened.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("result").required(true).args(
    ["success", "status", "timeout", "connect", "tls", "dns", "cancelled", "not_sent"]
))]
pub struct ReportArgs {
    /// The lease's id, as `lease` printed it
    #[arg(allow_hyphen_values = true)]
    lease_id: String,
    /// The provider did what was asked
    #[arg(long)]
    success: bool,
    /// The provider answered with this HTTP status
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(i32).range(100..=599))]
    status: Option<i32>,
    /// No answer came in time
    #[arg(long)]
    timeout: bool,
    /// No connection
    #[arg(long)]
    connect: bool,
    /// The TLS handshake failed
    #[arg(long)]
    tls: bool,
    /// The provider's name did not resolve
    #[arg(long)]
    dns: bool,
    /// We gave up by our own choice
    #[arg(long)]
    cancelled: bool,
    /// The request was never started: the permit goes back
    #[arg(long)]
    not_sent: bool,
    /// A header of the answer, as received; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    #[arg(conflicts_with_all = WITHOUT_HEADERS)]
    headers: Vec<(String, String)>,
    /// File with the answer's body, "-" for standard input; 4 KiB are sent, from the beginning, and of a stream of events from both ends
    #[arg(long, value_name = "FILE", conflicts_with_all = WITHOUT_ANSWER)]
    body_file: Option<PathBuf>,
    /// A few words on what failed on the way, at most 512 bytes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    #[arg(conflicts_with_all = ["success", "status", "not_sent"])]
    detail: String,
    /// How many uses this is about [default: 1]
    #[arg(long)]
    count: Option<i32>,
    /// The number of this report of the lease, from 0; a repeated number changes nothing
    #[arg(long, default_value_t = 0)]
    sequence: i32,
    /// No more reports will come; uses not reported count as started
    #[arg(long = "final")]
    is_final: bool,
    /// Input tokens of each use, cached ones included [default, with the others: as estimated]
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(i64).range(0..))]
    usage_input: Option<i64>,
    /// Of these, read from the provider's cache
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(i64).range(0..))]
    usage_cached_input: Option<i64>,
    /// Output tokens of each use
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(i64).range(0..))]
    usage_output: Option<i64>,
    /// Upstream requests each use made
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(i64).range(0..))]
    usage_requests: Option<i64>,
    /// Cost of each use, in millionths of the currency unit
    #[arg(long, value_name = "MICROS", value_parser = clap::value_parser!(i64).range(0..))]
    usage_cost_micros: Option<i64>,
    /// The model that served, where it is not the one leased for
    #[arg(long, value_name = "MODEL")]
    usage_model: Option<String>,
    /// From the first byte sent to the last byte received, such as 850ms
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    latency: Option<prost_types::Duration>,
    /// From asking for the lease to the first byte sent; lets the charge end sooner
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    started_after: Option<prost_types::Duration>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Runs the verb.
pub(crate) async fn run(args: ReportArgs) -> Result<(), Failure> {
    let request = proto::ReportOutcomeRequest {
        lease_id: args.lease_id.clone(),
        sequence: args.sequence,
        outcomes: vec![args.outcome()?],
        r#final: args.is_final,
    };
    let mut vault = args.client.lease(std::time::Duration::ZERO).await?;
    let answer = vault.report_outcome(request).await?.into_inner();
    output::show(args.client.json, &answer, view::render)
}

impl ReportArgs {
    fn outcome(&self) -> Result<Outcome, Failure> {
        Ok(Outcome {
            count: self.count,
            result: Some(self.result()?),
            usage: self.usage(),
            latency: self.latency,
            started_after: self.started_after,
        })
    }

    fn result(&self) -> Result<outcome::Result, Failure> {
        if self.success {
            let headers = self.headers();
            return Ok(outcome::Result::Success(Success { headers }));
        }
        if self.not_sent {
            return Ok(outcome::Result::NotSent(NotSent {}));
        }
        if let Some(status) = self.status {
            return self.http(status).map(outcome::Result::Http);
        }
        Ok(outcome::Result::Transport(TransportFailure {
            kind: self.transport() as i32,
            detail: self.detail.clone(),
        }))
    }

    fn headers(&self) -> Vec<HttpHeader> {
        let headers = self.headers.iter().map(|(name, value)| HttpHeader {
            name: name.clone(),
            value: value.clone().into_bytes(),
        });
        headers.collect()
    }

    fn http(&self, status: i32) -> Result<HttpResult, Failure> {
        let body = self.body_file.as_deref();
        let body = body.map(|path| read_bounded(path, BODY_FILE_BYTES_MAX));
        let body = body.transpose();
        let body = body.map_err(|failure| failure.of_flag("--body-file"))?;
        let body = body.unwrap_or_default();
        Ok(HttpResult {
            status,
            headers: self.headers(),
            body: sent_of(&body),
        })
    }

    fn transport(&self) -> TransportFailureKind {
        let kinds = [
            (self.timeout, TransportFailureKind::Timeout),
            (self.connect, TransportFailureKind::Connect),
            (self.tls, TransportFailureKind::Tls),
            (self.dns, TransportFailureKind::Dns),
            (self.cancelled, TransportFailureKind::Cancelled),
        ];
        let said = kinds.into_iter().find(|(said, _)| *said);
        said.map_or(TransportFailureKind::Unspecified, |(_, kind)| kind)
    }

    fn usage(&self) -> Option<Usage> {
        let counts = [
            self.usage_input,
            self.usage_cached_input,
            self.usage_output,
            self.usage_requests,
            self.usage_cost_micros,
        ];
        let given = counts.iter().any(Option::is_some) || self.usage_model.is_some();
        given.then(|| Usage {
            input_tokens: self.usage_input.unwrap_or(0),
            cached_input_tokens: self.usage_cached_input.unwrap_or(0),
            output_tokens: self.usage_output.unwrap_or(0),
            requests: self.usage_requests.unwrap_or(0),
            cost_micros: self.usage_cost_micros.unwrap_or(0),
            model: self.usage_model.clone().unwrap_or_default(),
        })
    }
}

/// Reads "NAME: VALUE".
fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        Some(_) | None => Err("not 'NAME: VALUE', such as 'retry-after: 20'".to_owned()),
    }
}

/// What the server keeps of a body.
fn sent_of(body: &[u8]) -> Vec<u8> {
    let is_stream = body.starts_with(b"data:") || body.starts_with(b"event:");
    if body.len() <= BODY_BYTES_MAX || !is_stream {
        return body.iter().copied().take(BODY_BYTES_MAX).collect();
    }
    let tail = body.len() - (BODY_BYTES_MAX - STREAM_HEAD_BYTES - 1);
    [&body[..STREAM_HEAD_BYTES], b"\n", &body[tail..]].concat()
}

#[cfg(test)]
mod tests;
