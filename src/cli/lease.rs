//! `keylease lease`: one lease, as a service would take it.

use std::time::Duration;

use clap::Args;

use super::connect::ClientArgs;
use super::estimate::EstimateArgs;
use super::failure::Failure;
use super::{flags, names, output, words};
use crate::proto::{self, Credential, LeaseKeyResponse, LeaseKind};

/// What the help ends with.
pub(crate) const HELP: &str = "\
Prints the lease and, of the credential, everything but its values: --show-secret prints them too, and --json always does.
Start the request within `start within` of calling, then run `keylease report LEASE_ID --success` (or --status 429, …).

Examples:
  keylease lease openai-prod --model gpt-4o --max-wait 5s
  keylease lease openai-prod --json | jq -r '.credential.headers[] | .name + \": \" + .value'";

/// What stands in the place of a credential's values.
const REDACTED: &str = "(redacted; --show-secret shows it)";

/// What to lease.
#[derive(Debug, Args)]
pub struct LeaseArgs {
    /// The pool, short (openai-prod) or full (pools/openai-prod)
    pool: String,
    /// The model the request is for; needed where the account has limits per model
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    /// How many upstream requests to start with this lease: 1 to 1,000 [default: 1]; fewer may be granted
    #[arg(long)]
    requests: Option<i32>,
    /// How long to wait in line for permits: at most 60s [default: do not wait]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    max_wait: Option<Duration>,
    /// How long the lease may be used and reported: 1s to 24h [default: the pool's]
    #[arg(long, value_name = "DURATION", value_parser = flags::duration)]
    lease_duration: Option<prost_types::Duration>,
    /// Prefer the same key for the same value, such as a conversation's id
    #[arg(
        long,
        value_name = "VALUE",
        default_value = "",
        hide_default_value = true
    )]
    affinity: String,
    /// Lease from this account only, short (openai) or full, and fail rather than move
    #[arg(long)]
    account: Option<String>,
    /// From the advice of a report: avoid what it blamed
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "",
        hide_default_value = true
    )]
    #[arg(allow_hyphen_values = true)]
    retry_token: String,
    #[command(flatten)]
    estimate: EstimateArgs,
    /// A label for charge-back; may be repeated, at most 8
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = flags::pair)]
    tags: Vec<(String, String)>,
    /// Makes a retry of the same call answer the same lease, while it can be started
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    request_id: String,
    /// Print the credential's values in the table too
    #[arg(long)]
    show_secret: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Runs the verb.
pub(crate) async fn run(args: LeaseArgs) -> Result<(), Failure> {
    let wait = args.max_wait.unwrap_or_default();
    let request = args.request()?;
    let mut vault = args.client.lease(wait).await?;
    let answer = vault.lease_key(request).await?.into_inner();
    output::show(args.client.json, &answer, |lease| {
        render(lease, args.show_secret)
    })
}

impl LeaseArgs {
    fn request(&self) -> Result<proto::LeaseKeyRequest, Failure> {
        let account = self.account.as_deref().map(names::account).transpose()?;
        let wait = self.max_wait.map(prost_types::Duration::try_from);
        Ok(proto::LeaseKeyRequest {
            pool: names::pool(&self.pool)?,
            model: self.model.clone(),
            requests: self.requests,
            estimate: self.estimate.message(),
            max_wait: wait
                .transpose()
                .map_err(|_| Failure::Usage("--max-wait is too long: at most 60s".into()))?,
            lease_duration: self.lease_duration,
            affinity_key: self.affinity.clone(),
            account: account.unwrap_or_default(),
            retry_token: self.retry_token.clone(),
            tags: self.tags.iter().cloned().collect(),
            request_id: self.request_id.clone(),
        })
    }
}

fn render(lease: &LeaseKeyResponse, show_secret: bool) -> String {
    let kind = match lease.kind() {
        LeaseKind::Canary => "canary: its outcome decides whether a dead version is well",
        LeaseKind::Normal | LeaseKind::Unspecified => "",
    };
    let credential = lease.credential.as_ref();
    let text = |of: fn(&Credential) -> String| credential.map(of).unwrap_or_default();
    output::details(&[
        ("lease", lease.lease_id.clone()),
        ("key", format!("{}, version {}", lease.key, lease.version)),
        ("granted", lease.granted.to_string()),
        (
            "start within",
            words::proto_duration(lease.start_within.as_ref()),
        ),
        (
            "report within",
            words::proto_duration(lease.report_within.as_ref()),
        ),
        ("kind", kind.to_owned()),
        ("base URL", text(|credential| credential.base_url.clone())),
        ("model", text(|credential| credential.model.clone())),
        (
            "credential",
            credential
                .map(|c| values(c, show_secret))
                .unwrap_or_default(),
        ),
    ])
}

/// Headers, query parameters and, where neither says it all, fields.
fn values(credential: &Credential, show_secret: bool) -> String {
    let shown = |value: &str| {
        if show_secret {
            value.to_owned()
        } else {
            REDACTED.to_owned()
        }
    };
    let headers = credential.headers.iter();
    let headers = headers.map(|h| format!("header {}: {}", h.name, shown(&h.value)));
    let query = credential.query.iter();
    let query = query.map(|q| format!("query {}={}", q.name, shown(&q.value)));
    let placed = headers.len() + query.len() > 0;
    let mut lines: Vec<String> = headers.chain(query).collect();
    let mut fields: Vec<String> = credential
        .fields
        .iter()
        .filter(|(name, _)| !placed || name.as_str() != "value")
        .map(|(name, value)| format!("field {name}: {}", shown(value)))
        .collect();
    fields.sort();
    lines.append(&mut fields);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Header;

    fn lease() -> LeaseKeyResponse {
        LeaseKeyResponse {
            lease_id: "L1".into(),
            granted: 1,
            key: "accounts/openai/keys/main".into(),
            version: 3,
            start_within: Some(prost_types::Duration {
                seconds: 3,
                nanos: 0,
            }),
            credential: Some(Credential {
                base_url: "https://api.openai.com/v1".into(),
                headers: vec![Header {
                    name: "authorization".into(),
                    value: "Bearer canary".into(),
                }],
                fields: [("value".to_owned(), "canary".to_owned())].into(),
                ..Credential::default()
            }),
            ..LeaseKeyResponse::default()
        }
    }

    #[test]
    fn the_table_hides_the_credential_unless_it_is_asked_for() {
        let hidden = render(&lease(), false);
        assert!(
            hidden.contains("header authorization: (redacted"),
            "{hidden}"
        );
        assert!(!hidden.contains("canary"), "{hidden}");
        assert!(hidden.contains("start within  3 s"), "{hidden}");
        let shown = render(&lease(), true);
        assert!(shown.contains("authorization: Bearer canary"), "{shown}");
    }

    #[test]
    fn json_carries_the_credential() {
        let json = output::to_json(&lease()).unwrap();
        assert!(json.contains("Bearer canary"), "{json}");
        assert!(json.contains("\"start_within\": \"3s\""), "{json}");
    }
}
