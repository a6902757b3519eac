//! Where alerts go, and the request that brings one there. URLs may be secrets themselves: nothing here prints one.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::crypto::{Secret, WebhookSecrets};
use crate::domain::alerts::delivery::SinkKind;
use crate::domain::alerts::notice::Notice;
use crate::domain::time::Timestamp;
use crate::outbound::{Outbound, OutboundError, Request};

const JSON: &str = "application/json";

/// What a replica does about alerts.
#[derive(Debug)]
pub struct Alerting {
    /// Where they go.
    pub sinks: Vec<Sink>,
    /// What sends them.
    pub outbound: Outbound,
    /// Plain http was allowed by name.
    pub allow_http: bool,
    /// A condition that no replica has seen for so long is over.
    pub resolve_after: Duration,
    /// One that lasts is told of again after so long.
    pub resend_every: Duration,
}

/// Where alerts go.
#[derive(Debug)]
pub enum Sink {
    /// The log of this process.
    Log,
    /// JSON with a signature.
    Webhook {
        /// Whoever knows it can send there.
        url: HiddenUrl,
        /// What it is signed with.
        secrets: WebhookSecrets,
    },
    /// A channel of Slack.
    Slack {
        /// Whoever knows it can write to the channel.
        url: HiddenUrl,
    },
    /// A chat of Telegram.
    Telegram {
        /// Of the API.
        base: Url,
        /// Of the bot.
        token: Secret,
        /// A number, or the name of a channel.
        chat: String,
    },
}

/// A URL that is a secret.
pub struct HiddenUrl(Url);

impl Alerting {
    /// The kinds of its sinks.
    #[must_use]
    pub fn kinds(&self) -> Vec<SinkKind> {
        self.sinks.iter().map(Sink::kind).collect()
    }
}

impl Sink {
    /// What it is; a replica has one of each kind at most.
    #[must_use]
    pub const fn kind(&self) -> SinkKind {
        match self {
            Self::Log => SinkKind::Log,
            Self::Webhook { .. } => SinkKind::Webhook,
            Self::Slack { .. } => SinkKind::Slack,
            Self::Telegram { .. } => SinkKind::Telegram,
        }
    }

    /// The request that brings a message there; none where it is only logged.
    pub(super) fn request(
        &self,
        notice: &Notice,
        allow_http: bool,
        now: Timestamp,
    ) -> Result<Option<Request>, OutboundError> {
        let id = notice.id.to_string();
        let (request, signature) = match self {
            Self::Log => return Ok(None),
            Self::Webhook { url, secrets } => {
                let body = notice.webhook_body();
                let seconds = now.since(Timestamp::from_micros(0)).as_secs();
                let signature = secrets.sign(&id, seconds, &body);
                let request = Request::post(url.0.clone(), allow_http, JSON, body);
                (request, Some((seconds, signature)))
            }
            Self::Slack { url } => {
                let body = notice.slack_body();
                (Request::post(url.0.clone(), allow_http, JSON, body), None)
            }
            Self::Telegram { base, token, chat } => {
                let url = method(base, token)?;
                let body = notice.telegram_body(chat);
                (Request::post(url, allow_http, JSON, body), None)
            }
        };
        let mut request = request.with_header("webhook-id", id.as_bytes())?;
        if let Some((seconds, signature)) = signature {
            let seconds = seconds.to_string();
            request = request
                .with_header("webhook-timestamp", seconds.as_bytes())?
                .with_header("webhook-signature", signature.as_bytes())?;
        }
        Ok(Some(request))
    }
}

/// The method of Telegram's API that sends a message, whose path holds the token.
fn method(base: &Url, token: &Secret) -> Result<Url, OutboundError> {
    let token = std::str::from_utf8(token.expose()).map_err(|_| OutboundError::Malformed)?;
    let base = base.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base}/bot{token}/sendMessage"));
    url.map_err(|_| OutboundError::Malformed)
}

impl HiddenUrl {
    /// Hides a URL.
    #[must_use]
    pub const fn new(url: Url) -> Self {
        Self(url)
    }
}

impl fmt::Debug for HiddenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenUrl(redacted)")
    }
}
