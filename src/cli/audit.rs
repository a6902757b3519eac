//! `keylease audit`: what was changed, and by whom.

use clap::{Args, Subcommand};

use super::connect::ClientArgs;
use super::failure::Failure;
use super::paging::{PageArgs, every_page};
use super::{output, words};
use crate::proto::{self, AuditRecord};

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List audit records, newest first
    #[command(
        after_help = "Example: keylease audit list --resource accounts/openai --page-size 20"
    )]
    List(ListArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
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
}

/// Runs the verb.
pub(crate) async fn run(command: Audit) -> Result<(), Failure> {
    let client = &command.client;
    let Verb::List(args) = command.verb;
    let mut admin = client.admin().await?;
    let request = proto::ListAuditRecordsRequest {
        resource: args.resource,
        ..Default::default()
    };
    let answer = every_page!(admin, list_audit_records, records, &args.page, request);
    output::show(client.json, &answer, |answer| list(&answer.records))
}

fn list(records: &[AuditRecord]) -> String {
    let rows = records.iter().map(|record| {
        vec![
            record.sequence.to_string(),
            words::time(record.record_time.as_ref()),
            record.caller.clone(),
            record.method.clone(),
            record.resource.clone(),
            words::printable(&record.summary),
            words::printable(&record.reason),
            record.source.clone(),
        ]
    });
    let header = [
        "#", "TIME", "CALLER", "METHOD", "RESOURCE", "WHAT", "REASON", "FROM",
    ];
    output::list(&header, rows, "no records")
}
