//! `keylease keys import`: the keys of an `.env` file, with their accounts, limits and pools, in one call: all or nothing.

use std::path::PathBuf;

use clap::Args;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, say_unsupported, say_validated};
use super::output;
use super::secret::read_bounded;

mod dotenv;
mod plan;
mod providers;
mod request;
mod values;
mod variables;
mod view;

use plan::{Options, Plan, Problem};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What the help ends with.
pub(crate) const HELP: &str = "\
What is read:
  X_API_KEY                      account x, its key main, and pool x with that key in tier 1
  X_API_KEY_BACKUP_1, _2, …      keys backup-1, backup-2, … of the same account, in tier 2 of the pool
  X_BASE_URL                     the account's base URL; needed unless X is OPENAI, ANTHROPIC, GEMINI, GOOGLE or STRIPE
  KEY_ROTATION_INTERVAL_HOURS    the pools' rotation interval
  KEY_HEALTH_CHECK_ENABLED       whether the pools' keys are probed; stored, probes are not built yet
  RATE_LIMIT_PER_MINUTE          a limit requests-per-minute on each account
Other variables are ignored, and listed. Placeholders, duplicates and whatever else is wrong are refused by line number, all at
once, and no value is ever repeated. --dry-run asks no server; --validate-only has the server check everything as well.

Examples:
  keylease keys import .env --dry-run
  keylease keys import .env --validate-only
  keylease keys import .env --only openai --reason 'moving in'";

/// Which file, and how to read it.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The .env file, at most 1 MiB; "-" reads standard input
    file: PathBuf,
    /// Give every key an account of its own, where the provider counts each by itself [default: backups share one budget]
    #[arg(long)]
    account_per_key: bool,
    /// Allow http:// base URLs, and with them keys in clear on the wire
    #[arg(long)]
    allow_http: bool,
    /// Import only this account, such as openai; may be repeated
    #[arg(long, value_name = "ACCOUNT")]
    only: Vec<String>,
    /// Show what would be stored, and ask no server
    #[arg(long, conflicts_with = "validate_only")]
    dry_run: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(super) async fn run(client: &ClientArgs, args: ImportArgs) -> Result<(), Failure> {
    let plan = args.plan()?;
    if args.dry_run {
        return show_plan(client, &plan);
    }
    if !client.json {
        output::remark(&view::remarks(&plan));
    }
    let mut request = request::with_secrets(&plan);
    drop(plan);
    let validate_only = args.change.validate_only;
    request.validate_only = validate_only;
    request.request_id = args.change.request_id;
    request.reason = args.change.reason;
    let answer = client.admin().await?.import_keys(request).await?;
    let answer = answer.into_inner();
    output::show(client.json, &answer, view::imported)?;
    say_validated(validate_only);
    say_unsupported(&answer.unsupported);
    if !validate_only {
        let file = args.file.display();
        output::remark(&format!(
            "{file} still holds the keys in clear: delete it, or keep it as safe as they are"
        ));
    }
    Ok(())
}

impl ImportArgs {
    fn plan(&self) -> Result<Plan, Failure> {
        let bytes = read_bounded(&self.file, FILE_BYTES_MAX)?;
        let options = Options {
            account_per_key: self.account_per_key,
            allow_http: self.allow_http,
            only: self.only.clone(),
        };
        plan::read(&bytes, &options).map_err(|problems| {
            let file = self.file.display();
            Failure::Usage(refusal(&file.to_string(), &problems))
        })
    }
}

fn refusal(file: &str, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let count = match lines.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    };
    format!(
        "{file}: {count}, nothing was imported\n  {}",
        lines.join("\n  ")
    )
}

fn show_plan(client: &ClientArgs, plan: &Plan) -> Result<(), Failure> {
    let request = request::without_secrets(plan);
    if client.json {
        let plan = serde_json::json!({
            "import": output::json_value(&request)?,
            "notes": plan.notes,
            "ignored": plan.ignored,
        });
        return output::line(&format!("{plan:#}"));
    }
    output::line(&view::planned(&request))?;
    output::remark(&view::remarks(plan));
    output::remark("dry run: no server was asked, nothing was changed");
    Ok(())
}
