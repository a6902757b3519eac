//! `keylease alerts`: what people were told of, and whether they can be.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::paging::{PageArgs, every_page};
use super::{output, table, words};
use crate::proto::{Alert, AlertDelivery, ListAlertsRequest, SendTestAlertRequest, TestDelivery};

/// How far what belongs to an alert is set in.
const INDENT: usize = 2;

/// The noun and its verbs.
#[derive(Debug, Args)]
pub struct Alerts {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List alerts, newest first: those that are open, and those of the last 30 days
    #[command(after_help = "Example: keylease alerts list --open")]
    List(ListArgs),
    /// Send a test message to every receiver of the replica that answers, and say what each answered
    ///
    /// Fails where any of them did not take it.
    Test,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those that are open
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    page: PageArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Alerts) -> Result<(), Failure> {
    let client = &command.client;
    let mut admin = client.admin().await?;
    match command.verb {
        Verb::List(args) => {
            let request = ListAlertsRequest {
                open_only: args.open,
                ..Default::default()
            };
            let answer = every_page!(admin, list_alerts, alerts, &args.page, request);
            output::show(client.json, &answer, |answer| list(&answer.alerts))
        }
        Verb::Test => {
            let answer = admin.send_test_alert(SendTestAlertRequest {}).await?;
            let answer = answer.into_inner();
            output::show(client.json, &answer, |answer| tested(&answer.deliveries))?;
            let failed = answer.deliveries.iter().filter(|tried| !tried.delivered);
            let failed: Vec<&str> = failed.map(|tried| tried.sink.as_str()).collect();
            if failed.is_empty() {
                return Ok(());
            }
            Err(Failure::Failed(format!(
                "{} did not take the message: check its URL and what it answered",
                failed.join(" and ")
            )))
        }
    }
}

fn tested(deliveries: &[TestDelivery]) -> String {
    let rows = deliveries.iter().map(|tried| {
        let state = if tried.delivered {
            "taken"
        } else {
            "not taken"
        };
        vec![
            tried.sink.clone(),
            state.to_owned(),
            words::proto_duration(tried.took.as_ref()),
            tried.detail.clone(),
        ]
    });
    table::list(
        &["RECEIVER", "STATE", "AFTER", "ANSWER"],
        rows,
        "no receivers",
    )
}

fn list(alerts: &[Alert]) -> String {
    if alerts.is_empty() {
        return "no alerts".into();
    }
    let width = table::width();
    let alerts: Vec<String> = alerts.iter().map(|alert| one(alert, width)).collect();
    alerts.join("\n")
}

/// What it is and since when; below it what is so, what to do, and who was told.
fn one(alert: &Alert, width: usize) -> String {
    let severity = words::enum_value(alert.severity().as_str_name(), "ALERT_SEVERITY");
    let [kind, resource] = [&alert.kind_name, &alert.resource].map(|text| words::printable(text));
    let since = words::time(alert.open_time.as_ref());
    let state = match &alert.resolve_time {
        None => severity,
        Some(end) => format!("over {}", words::time(Some(end))),
    };
    let mut below = vec![words::printable(&alert.summary)];
    if alert.resolve_time.is_none() {
        below.push(format!("to do: {}", words::printable(&alert.remedy)));
    }
    let told: Vec<String> = alert.deliveries.iter().map(delivery).collect();
    if !told.is_empty() {
        below.push(format!("told: {}", told.join(", ")));
    }
    let below = below.iter().map(|line| table::below(line, width, INDENT));
    format!(
        "{since}  {kind}  {resource}  {state}{}",
        below.collect::<String>()
    )
}

fn delivery(delivery: &AlertDelivery) -> String {
    let [sink, event, detail] =
        [&delivery.sink, &delivery.event, &delivery.detail].map(|text| words::printable(text));
    if delivery.delivered {
        return format!("{sink} ({event})");
    }
    let tries = delivery.attempts;
    match &delivery.next_attempt_time {
        Some(_) if tries == 0 => format!("{sink} ({event}) soon"),
        Some(next) => {
            let next = words::time(Some(next));
            format!("{sink} ({event}) not yet, after {tries} tries: {detail}; next {next}")
        }
        None => format!("{sink} ({event}) never, after {tries} tries: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> Alert {
        Alert {
            kind_name: "key_died".into(),
            severity: crate::proto::AlertSeverity::Warning.into(),
            resource: "accounts/a/keys/k/versions/1".into(),
            summary: "version 1 of accounts/a/keys/k is dead".into(),
            remedy: "rotate a new secret in".into(),
            open_time: Some(prost_types::Timestamp {
                seconds: 60,
                nanos: 0,
            }),
            deliveries: vec![
                AlertDelivery {
                    sink: "log".into(),
                    event: "opened".into(),
                    delivered: true,
                    ..AlertDelivery::default()
                },
                AlertDelivery {
                    sink: "slack".into(),
                    event: "opened".into(),
                    attempts: 3,
                    detail: "answered 503".into(),
                    ..AlertDelivery::default()
                },
            ],
            ..Alert::default()
        }
    }

    #[test]
    fn an_alert_says_what_to_do_and_who_was_told() {
        assert_eq!(
            one(&alert(), 80),
            "1970-01-01T00:01:00Z  key_died  accounts/a/keys/k/versions/1  warning\n  \
             version 1 of accounts/a/keys/k is dead\n  to do: rotate a new secret in\n  \
             told: log (opened), slack (opened) never, after 3 tries: answered 503"
        );
        assert_eq!(list(&[]), "no alerts");
    }

    #[test]
    fn nothing_of_an_alert_can_write_to_the_terminal() {
        let hostile = || "x\u{1b}[2J\u{202e}\n".to_owned();
        let text = one(
            &Alert {
                kind_name: hostile(),
                resource: hostile(),
                summary: hostile(),
                remedy: hostile(),
                deliveries: vec![AlertDelivery {
                    sink: hostile(),
                    event: hostile(),
                    detail: hostile(),
                    ..AlertDelivery::default()
                }],
                ..Alert::default()
            },
            200,
        );
        assert_eq!(words::printable_lines(&text), text);
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}
