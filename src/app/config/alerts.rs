//! Where alerts go. URLs and tokens of receivers are secrets, so they stand in files, and no message repeats any of them.

use std::{ops::RangeInclusive, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;

use super::{
    duration,
    flag_values::{path_or_empty, switch},
    problems::{Problems, given, given_path},
    receiver_url::{INSECURE_HTTP, hidden_url, url},
    secret_file,
};
use crate::crypto::{Secret, WebhookSecrets};
use crate::domain::endpoint::upstreams::Upstreams;
use crate::outbound::{Authorities, Names, Outbound};
use crate::vault::{Alerting, Sink};

/// A look comes every 5 s; beyond an hour nobody remembers what was over.
const RESOLVE_AFTER: RangeInclusive<Duration> =
    Duration::from_secs(15)..=Duration::from_secs(3_600);
/// More often is noise; beyond a month it is forgotten anyway.
const RESEND_EVERY: RangeInclusive<Duration> =
    Duration::from_mins(1)..=Duration::from_hours(24 * 30);
/// The longest chat id.
const CHAT_BYTES_MAX: usize = 64;

const WEBHOOK_URL: &str = "KEYLEASE_ALERT_WEBHOOK_URL_FILE";
const WEBHOOK_SECRET: &str = "KEYLEASE_ALERT_WEBHOOK_SECRET_FILE";
const SLACK_URL: &str = "KEYLEASE_ALERT_SLACK_URL_FILE";
const TELEGRAM_TOKEN: &str = "KEYLEASE_ALERT_TELEGRAM_TOKEN_FILE";
const TELEGRAM_CHAT: &str = "KEYLEASE_ALERT_TELEGRAM_CHAT";
const TELEGRAM_URL: &str = "KEYLEASE_ALERT_TELEGRAM_URL";

/// What is told to people by itself; all of it is logged, too.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Alerts")]
pub struct AlertArguments {
    /// File with the URL that alerts are posted to, signed as standardwebhooks.com has it. Needs --alert-webhook-secret-file.
    #[arg(long, env = "KEYLEASE_ALERT_WEBHOOK_URL_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub alert_webhook_url_file: Option<PathBuf>,
    /// File with the secrets that webhooks are signed with, one to a line, of at least 24 bytes: whsec_ and base64, or any text. Each signs,
    /// so that one can be replaced.
    #[arg(long, env = "KEYLEASE_ALERT_WEBHOOK_SECRET_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub alert_webhook_secret_file: Option<PathBuf>,
    /// File with the URL of an incoming webhook of Slack, or of what takes the same.
    #[arg(long, env = "KEYLEASE_ALERT_SLACK_URL_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub alert_slack_url_file: Option<PathBuf>,
    /// File with the token of a bot of Telegram. Needs --alert-telegram-chat.
    #[arg(long, env = "KEYLEASE_ALERT_TELEGRAM_TOKEN_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub alert_telegram_token_file: Option<PathBuf>,
    /// The chat that the bot writes to: its number, or @name of a channel.
    #[arg(
        long,
        env = "KEYLEASE_ALERT_TELEGRAM_CHAT",
        value_name = "CHAT",
        allow_hyphen_values = true
    )]
    pub alert_telegram_chat: Option<String>,
    /// Where the API of Telegram is, for a server of one's own.
    #[arg(
        long,
        env = "KEYLEASE_ALERT_TELEGRAM_URL",
        value_name = "URL",
        default_value = "https://api.telegram.org"
    )]
    pub alert_telegram_url: String,
    /// Let URLs of receivers be plain http. The risk: whoever sees the network's traffic reads alerts, and a Telegram token.
    #[arg(
        long,
        env = "KEYLEASE_INSECURE_HTTP_ALERTS",
        value_name = "BOOL", default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, hide_default_value = true
    )]
    pub insecure_http_alerts: String,
    /// An alert is over once no replica has seen its condition for so long, 15s to 1h.
    #[arg(
        long,
        env = "KEYLEASE_ALERT_RESOLVE_AFTER",
        value_name = "DURATION",
        default_value = "1m"
    )]
    pub alert_resolve_after: String,
    /// An alert that lasts is sent again after so long, 1m to 30days.
    #[arg(
        long,
        env = "KEYLEASE_ALERT_RESEND_EVERY",
        value_name = "DURATION",
        default_value = "24h"
    )]
    pub alert_resend_every: String,
}

/// What `dev` does: it logs.
pub(in crate::app) fn logged() -> Arc<Alerting> {
    Arc::new(Alerting {
        sinks: vec![Sink::Log],
        outbound: Outbound::new(Upstreams::Remote),
        allow_http: false,
        resolve_after: Duration::from_mins(1),
        resend_every: Duration::from_hours(24),
    })
}

/// All of it, or none and every mistake.
pub(super) fn parse(
    arguments: &AlertArguments,
    authorities: &Authorities,
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) -> Option<Arc<Alerting>> {
    let allow_http = problems.take(switch(INSECURE_HTTP, &arguments.insecure_http_alerts));
    let resolve_after = problems.take(duration::parse(
        "KEYLEASE_ALERT_RESOLVE_AFTER",
        &arguments.alert_resolve_after,
        &RESOLVE_AFTER,
    ));
    let resend_every = problems.take(duration::parse(
        "KEYLEASE_ALERT_RESEND_EVERY",
        &arguments.alert_resend_every,
        &RESEND_EVERY,
    ));
    let allows = allow_http.unwrap_or(false);
    let sinks = [
        Ok(Some(Sink::Log)),
        webhook(arguments, allows, warnings),
        slack(arguments, allows, warnings),
        telegram(arguments, allows, warnings),
    ];
    let sinks = sinks.map(|sink| problems.take(sink));
    let mut given = Vec::new();
    for sink in sinks {
        given.extend(sink?);
    }
    Some(Arc::new(Alerting {
        sinks: given,
        // What an operator names may be on this machine or in a private network.
        outbound: Outbound::trusting(Upstreams::LoopbackToo, Names::System, authorities),
        allow_http: allow_http?,
        resolve_after: resolve_after?,
        resend_every: resend_every?,
    }))
}

fn webhook(
    arguments: &AlertArguments,
    allow_http: bool,
    warnings: &mut Vec<String>,
) -> Result<Option<Sink>, String> {
    let url = given_path(arguments.alert_webhook_url_file.as_ref());
    let secret = given_path(arguments.alert_webhook_secret_file.as_ref());
    let Some((url, secret)) = both((WEBHOOK_URL, url), (WEBHOOK_SECRET, secret))? else {
        return Ok(None);
    };
    let url = secret_file::read(WEBHOOK_URL, &url, warnings)?;
    let url = hidden_url(WEBHOOK_URL, &url, allow_http)?;
    let secrets = secret_file::read(WEBHOOK_SECRET, &secret, warnings)?;
    let secrets = WebhookSecrets::parse(&secrets);
    let secrets = secrets.map_err(|what| {
        format!("{WEBHOOK_SECRET} names a file that {what}: `openssl rand -base64 32` makes one")
    })?;
    Ok(Some(Sink::Webhook { url, secrets }))
}

fn slack(
    arguments: &AlertArguments,
    allow_http: bool,
    warnings: &mut Vec<String>,
) -> Result<Option<Sink>, String> {
    let Some(path) = given_path(arguments.alert_slack_url_file.as_ref()) else {
        return Ok(None);
    };
    let url = secret_file::read(SLACK_URL, &path, warnings)?;
    let url = hidden_url(SLACK_URL, &url, allow_http)?;
    Ok(Some(Sink::Slack { url }))
}

fn telegram(
    arguments: &AlertArguments,
    allow_http: bool,
    warnings: &mut Vec<String>,
) -> Result<Option<Sink>, String> {
    let token = given_path(arguments.alert_telegram_token_file.as_ref());
    let chat = given(arguments.alert_telegram_chat.as_ref());
    let Some((token, chat)) = both((TELEGRAM_TOKEN, token), (TELEGRAM_CHAT, chat))? else {
        return Ok(None);
    };
    if chat.len() > CHAT_BYTES_MAX {
        return Err(format!(
            "{TELEGRAM_CHAT} has more than {CHAT_BYTES_MAX} bytes: give the number of a chat, or @name of a channel"
        ));
    }
    let text = secret_file::read(TELEGRAM_TOKEN, &token, warnings)?;
    let token = text.expose().trim_ascii();
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-".contains(byte);
    if token.is_empty() || !token.iter().all(is_of_token) {
        return Err(format!(
            "{TELEGRAM_TOKEN} names a file that holds no token of a bot: it looks like 123456:ABC-DEF"
        ));
    }
    let base = url(TELEGRAM_URL, &arguments.alert_telegram_url, allow_http)?;
    if base.query().is_some() {
        return Err(format!(
            "{TELEGRAM_URL} has a query: give the URL up to /bot"
        ));
    }
    Ok(Some(Sink::Telegram {
        base,
        token: Secret::new(token.to_vec()),
        chat: chat.to_owned(),
    }))
}

/// Two that need each other.
fn both<A, B>(
    (a_name, a): (&str, Option<A>),
    (b_name, b): (&str, Option<B>),
) -> Result<Option<(A, B)>, String> {
    match (a, b) {
        (Some(a), Some(b)) => Ok(Some((a, b))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(format!(
            "{a_name} is set and {b_name} is not: set both, or neither"
        )),
        (None, Some(_)) => Err(format!(
            "{b_name} is set and {a_name} is not: set both, or neither"
        )),
    }
}
