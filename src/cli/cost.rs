//! `keylease cost`: what was spent, for charge-back.

use clap::Args;
use prost_types::Timestamp;
use time::Date;
use time::macros::format_description;
use tonic::{Code, Status};

use super::connect::{Admin, ClientArgs};
use super::failure::Failure;
use super::paging::{PageArgs, every_page};
use super::{flags, money, names, output, words};
use crate::proto::{self, CostRow};

mod view;

/// What the help ends with.
pub(crate) const HELP: &str = "\
Sums are of what was reported, by the day it was reported on, in UTC and US dollars; the last seconds of other replicas may be missing.

Examples:
  keylease cost
  keylease cost --from 2026-01-01 --to 2026-02-01 --by caller,model
  keylease cost --by day --pool openai-prod --tag team=search
  keylease cost --by tag:team,account --json";

/// What was spent, by what.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// From this day on [default: the first of this month]
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<Timestamp>,
    /// Until before this day [default: now]
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<Timestamp>,
    /// What to sum by: day, pool, account, model, caller, tag:KEY; at most 4, with commas
    #[arg(long, value_name = "WHAT", value_delimiter = ',', default_value = "pool", value_parser = part)]
    by: Vec<String>,
    /// Only through this pool, short (openai-prod) or full
    #[arg(long)]
    pool: Option<String>,
    /// Only with keys of this account, short (openai) or full
    #[arg(long)]
    account: Option<String>,
    /// Only on this model, as the provider names it
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    /// Only by this caller, short (search) or full
    #[arg(long)]
    caller: Option<String>,
    /// Only leases with this tag; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = flags::pair)]
    tags: Vec<(String, String)>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Runs the verb.
pub(crate) async fn run(args: CostArgs) -> Result<(), Failure> {
    let name = |text: &Option<String>, of: fn(&str) -> Result<String, Failure>| {
        let name = text.as_deref().map(of).transpose();
        name.map(Option::unwrap_or_default)
    };
    let request = proto::GetCostRequest {
        start_time: args.from.or_else(|| month(&words::now())),
        end_time: args.to,
        group_by: args.by.clone(),
        pool: name(&args.pool, names::pool)?,
        account: name(&args.account, names::account)?,
        model: args.model,
        caller: name(&args.caller, names::caller)?,
        tags: args.tags.into_iter().collect(),
        ..Default::default()
    };
    let mut admin = args.client.admin().await?;
    let asked = [&request.pool, &request.account, &request.caller].map(Clone::clone);
    let answer = every_page!(admin, get_cost, rows, &args.page, request);
    if answer.rows.iter().all(|row| row.requests == 0) {
        output::remark(&unknown(&mut admin, asked).await);
    }
    output::show(args.client.json, &answer, |answer| {
        view::sums(&args.by, &answer.rows)
    })
}

/// What does not exist of what was asked for: a name misspelt has spent nothing, and so has what was deleted before.
async fn unknown(admin: &mut Admin, [pool, account, caller]: [String; 3]) -> String {
    let mut unknown = Vec::new();
    let mut note = |name: &str, answer: Option<Status>| {
        if answer.is_some_and(|status| status.code() == Code::NotFound) {
            unknown.push(format!("there is no {name}"));
        }
    };
    if !pool.is_empty() {
        let request = proto::GetPoolRequest { name: pool.clone() };
        note(&pool, admin.get_pool(request).await.err());
    }
    if !account.is_empty() {
        let request = proto::GetAccountRequest {
            name: account.clone(),
        };
        note(&account, admin.get_account(request).await.err());
    }
    if !caller.is_empty() {
        let request = proto::GetCallerRequest {
            name: caller.clone(),
        };
        note(&caller, admin.get_caller(request).await.err());
    }
    unknown.join("\n")
}

/// Reads "2026-01-31" as the start of that day in UTC.
fn date(text: &str) -> Result<Timestamp, String> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let date = date.map_err(|_| "not a date; give one such as 2026-01-31".to_owned())?;
    Ok(start_of(date))
}

/// Reads "tag:team" as the contract writes it.
fn part(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some(("tag", key)) if !key.is_empty() => Ok(format!("tag.{key}")),
        None if ["day", "pool", "account", "model", "caller"].contains(&text) => {
            Ok(text.to_owned())
        }
        Some(_) | None => Err("not one of day, pool, account, model, caller, tag:KEY".to_owned()),
    }
}

/// The start of the month that a time is in.
fn month(time: &Timestamp) -> Option<Timestamp> {
    let time = time::OffsetDateTime::from_unix_timestamp(time.seconds).ok()?;
    time.date().replace_day(1).ok().map(start_of)
}

fn start_of(date: Date) -> Timestamp {
    Timestamp {
        seconds: date.midnight().assume_utc().unix_timestamp(),
        nanos: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_parts_are_read_as_people_write_them() {
        assert_eq!(date("1970-01-02").unwrap().seconds, 86_400);
        for wrong in ["", "2026-1-1", "2026-02-30", "2026-01-01T00:00:00Z"] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
        assert_eq!(part("tag:team"), Ok("tag.team".to_owned()));
        for wrong in ["", "tag:", "tag", "month", "pool:x"] {
            assert!(part(wrong).is_err(), "{wrong}");
        }
        let middle = Timestamp {
            seconds: 1_770_000_000,
            nanos: 5,
        };
        assert_eq!(month(&middle), date("2026-02-01").ok());
    }
}
