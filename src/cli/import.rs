//! `keylease keys import`: the keys of an `.env` file, with their accounts, limits and pools, in one call: all or nothing.

use std::path::PathBuf;

use clap::Args;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, say_unsupported, say_validated};
use super::secret::read_bounded;
use super::{output, words};

mod dotenv;
mod likeness;
mod places;
mod plan;
mod providers;
mod request;
mod values;
mod variables;
mod view;

use places::Places;
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
  KEY_HEALTH_CHECK_ENABLED       whether the pools' keys are probed: their providers asked about them
  RATE_LIMIT_PER_MINUTE          a limit requests-per-minute on each account
Other variables are ignored, and listed; those that look like keys apart. Placeholders, duplicates and whatever else is wrong are
refused by line number, all at once, and no value is ever repeated. --dry-run has the server check everything and change nothing;
with --offline no server is asked, so that what the vault holds already and what it refuses is not found out.

Examples:
  keylease keys import .env --dry-run
  keylease keys import .env --dry-run --offline
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
    /// Have the server check everything, show what would be stored, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: ask no server and check the file alone
    #[arg(long, requires = "dry_run", conflicts_with = "validate_only")]
    offline: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(super) async fn run(client: &ClientArgs, args: ImportArgs) -> Result<(), Failure> {
    let plan = args.plan()?;
    if args.offline {
        return show_plan(client, &plan);
    }
    if !client.json {
        output::remark(&view::remarks(&plan));
    }
    let mut request = request::with_secrets(&plan);
    let file = args.shown();
    let places = Places::of(&file, &plan);
    let kept = [plan.keys_unread.as_slice(), &plan.keys_unasked].concat();
    drop(plan);
    let validate_only = args.change.validate_only || args.dry_run;
    request.validate_only = validate_only;
    request.request_id = args.change.request_id;
    request.reason = args.change.reason;
    let admin = client.admin().await;
    let mut admin = admin.map_err(|failure| unreached(failure, args.dry_run))?;
    let answer = admin.import_keys(request).await;
    let answer = answer.map_err(|status| in_file(&places, status))?;
    let answer = answer.into_inner();
    output::show(client.json, &answer, view::imported)?;
    say_validated(validate_only);
    say_unsupported(&answer.unsupported);
    if !validate_only && args.file.as_os_str() != "-" {
        output::remark(&view::advice(&file, &kept));
    }
    Ok(())
}

/// A refusal in words of the file; a server that was not reached has said nothing.
fn in_file(places: &Places, status: tonic::Status) -> Failure {
    let failure = Failure::from(status);
    if let Failure::Refused(status) = &failure {
        return places.refusal(status);
    }
    failure
}

/// Without a server a dry run knows half, which has to be asked for.
fn unreached(failure: Failure, dry_run: bool) -> Failure {
    match failure {
        Failure::Unreachable(cause) if dry_run => Failure::Unreachable(format!(
            "{cause} (--dry-run --offline checks the file alone)"
        )),
        failure @ (Failure::Unreachable(_)
        | Failure::Usage(_)
        | Failure::Refused(_)
        | Failure::Failed(_)
        | Failure::OutputClosed) => failure,
    }
}

impl ImportArgs {
    /// The file, for messages.
    fn shown(&self) -> String {
        match self.file.to_str() {
            Some("-") => "standard input".to_owned(),
            Some(_) | None => self.file.display().to_string(),
        }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let bytes = read_bounded(&self.file, FILE_BYTES_MAX)?;
        let options = Options {
            account_per_key: self.account_per_key,
            allow_http: self.allow_http,
            only: self.only.clone(),
        };
        plan::read(&bytes, &options)
            .map_err(|problems| Failure::Usage(refusal(&self.shown(), &problems)))
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
            "keys_unread": plan.keys_unread,
            "keys_unasked": plan.keys_unasked,
        });
        return output::line(&words::escaped_json(&format!("{plan:#}")));
    }
    output::line(&view::planned(&request))?;
    output::remark(&view::remarks(plan));
    output::remark("offline: no server was asked; whether it would take this is not known");
    Ok(())
}
