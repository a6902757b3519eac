//! `keylease audit`: what was changed, and by whom.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::paging::{PageArgs, every_page};
use super::{output, table, words};
use crate::proto::{self, AuditRecord};

/// How far what belongs to a record is set in.
const INDENT: usize = 2;

/// The verbs of `audit` that ask a server.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List audit records, newest first
    #[command(after_help = "Example: keylease audit list --resource accounts/openai --limit 20")]
    List(ListArgs),
}

/// What to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only records about this full name or those below it, such as accounts/openai
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    resource: String,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl AuditCommand {
    pub(super) fn client(&self) -> &ClientArgs {
        match self {
            Self::List(args) => &args.client,
        }
    }
}

/// Runs the verb.
pub(super) async fn run(command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::List(args) = command;
    let client = &args.client;
    let mut admin = client.admin().await?;
    let request = proto::ListAuditRecordsRequest {
        resource: args.resource,
        ..Default::default()
    };
    let answer = every_page!(admin, list_audit_records, records, &args.page, request);
    output::show(client.json, &answer, |answer| list(&answer.records))
}

fn list(records: &[AuditRecord]) -> String {
    if records.is_empty() {
        return "no records".into();
    }
    let width = table::width();
    let records: Vec<String> = records.iter().map(|record| one(record, width)).collect();
    records.join("\n")
}

/// What was done to what, by whom and when; below it what changed, why, and from where. Eight columns would leave no room for any.
fn one(record: &AuditRecord, width: usize) -> String {
    let time = words::time(record.record_time.as_ref());
    let [method, resource, caller] =
        [&record.method, &record.resource, &record.caller].map(|text| words::printable(text));
    let mut below = format!("by {caller}");
    for (word, text) in [("from", &record.source), ("because", &record.reason)] {
        if !text.is_empty() {
            below += &format!(", {word} {}", words::printable(text));
        }
    }
    let below = format!("{}; {below}", words::printable(&record.summary));
    let below = table::below(&below, width, INDENT);
    format!("{time}  {method}  {resource}{below}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_shows_its_whole_time_and_stays_within_the_width() {
        let record = AuditRecord {
            sequence: 7,
            record_time: Some(prost_types::Timestamp {
                seconds: 60,
                nanos: 5,
            }),
            caller: "callers/ana".into(),
            method: "DisableAccount".into(),
            resource: "accounts/openai".into(),
            reason: "the invoice is not paid, and nobody has said who will pay it".into(),
            source: "10.0.0.5:53412".into(),
            summary: "disabled".into(),
        };
        let text = one(&record, 80);
        let first = "1970-01-01T00:01:00Z  DisableAccount  accounts/openai\n  disabled; by callers/ana, from 10.0.0.5";
        assert!(text.starts_with(first), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert_eq!(list(&[]), "no records");
    }

    #[test]
    fn nothing_of_a_record_can_write_to_the_terminal() {
        let hostile = || "x\u{1b}[2J\u{202e}\n".to_owned();
        let record = AuditRecord {
            caller: hostile(),
            method: hostile(),
            resource: hostile(),
            reason: hostile(),
            source: hostile(),
            summary: hostile(),
            ..AuditRecord::default()
        };
        let text = one(&record, 80);
        assert_eq!(text.matches("x [2J").count(), 6, "{text}");
        assert_eq!(words::printable_lines(&text), text);
        assert_eq!(text.lines().count(), 2, "{text}");
    }
}
