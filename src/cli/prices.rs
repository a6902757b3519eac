//! `keylease prices`: what models cost.

use clap::{Args, Subcommand, ValueEnum};
use prost_types::Timestamp;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, deleted, say_validated, time};
use super::paging::{PageArgs, every_page};
use super::{money, output};
use crate::proto::{self, Price, PriceOrigin};

mod view;

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Prices {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what models cost: prices that were set, then the built-in ones, in US dollars for a million tokens
    #[command(after_help = "Examples:
  keylease prices list --profile openai
  keylease prices list --origin operator --history")]
    List(ListArgs),
    /// Set the price of a model or of a pattern of models, in US dollars for a million tokens; the older price stays as history
    #[command(
        after_help = "With prices of 0 a use costs nothing, and limits on cost do not count it.

Examples:
  keylease prices set openai gpt-4o --input 2.50 --cached-input 1.25 --output 10
  keylease prices set generic 'llama-*' --input 0.60 --output 0.60 --from 2026-02-01T00:00:00Z"
    )]
    Set(SetArgs),
    /// End a price that was set: the built-in one holds again, if there is one
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those of this provider profile
    #[arg(long, default_value = "", hide_default_value = true)]
    profile: String,
    /// Only those of this model or pattern, by its whole text
    #[arg(long, default_value = "", hide_default_value = true)]
    model: String,
    /// Only those from here
    #[arg(long)]
    origin: Option<Origin>,
    /// Those that were set and hold no more, too
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Origin {
    /// Somebody set it
    Operator,
    /// The table of the server's release
    BuiltIn,
}

#[derive(Debug, Args)]
struct SetArgs {
    /// The provider profile: openai, anthropic, gemini, stripe or generic
    profile: String,
    /// The model as the provider names it, or a pattern: '*' is any text, '?' any character
    model: String,
    /// Of a million input tokens
    #[arg(long, value_name = "DOLLARS", value_parser = money::dollars)]
    input: i64,
    /// Of a million input tokens read from the provider's cache [default: as any other input]
    #[arg(long, value_name = "DOLLARS", value_parser = money::dollars)]
    cached_input: Option<i64>,
    /// Of a million output tokens
    #[arg(long, value_name = "DOLLARS", value_parser = money::dollars)]
    output: i64,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    /// The provider profile
    profile: String,
    /// The model or pattern, as it was set
    model: String,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct When {
    /// From when on (RFC 3339, such as 2026-01-31T18:00:00Z), not before now [default: now]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Refuse if another price has been set since this etag was read
    #[arg(long, default_value = "", hide_default_value = true)]
    etag: String,
}

/// Runs the verb.
pub(crate) async fn run(command: Prices) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::List(args) => list(client, args).await,
        Verb::Set(args) => set(client, args).await,
        Verb::Delete(args) => delete(client, args).await,
    }
}

async fn list(client: &ClientArgs, args: ListArgs) -> Result<(), Failure> {
    let mut admin = client.admin().await?;
    let origin = args
        .origin
        .map_or(PriceOrigin::Unspecified, |origin| match origin {
            Origin::Operator => PriceOrigin::Operator,
            Origin::BuiltIn => PriceOrigin::BuiltIn,
        });
    let request = proto::ListPricesRequest {
        profile: args.profile,
        model: args.model,
        origin: origin.into(),
        history: args.history,
        ..Default::default()
    };
    let answer = every_page!(admin, list_prices, prices, &args.page, request);
    output::show(client.json, &answer, |answer| view::list(&answer.prices))
}

async fn set(client: &ClientArgs, args: SetArgs) -> Result<(), Failure> {
    let request = proto::SetPriceRequest {
        price: Some(Price {
            profile: args.profile,
            model: args.model,
            input_micros: args.input,
            cached_input_micros: args.cached_input,
            output_micros: args.output,
            effective_time: args.when.from,
            ..Default::default()
        }),
        etag: args.when.etag,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.set_price(request).await?;
    say_validated(args.change.validate_only);
    let price = answer.into_inner().price;
    let price = price.ok_or_else(|| Failure::answer_lacks("price"))?;
    output::show(client.json, &price, view::one)
}

async fn delete(client: &ClientArgs, args: DeleteArgs) -> Result<(), Failure> {
    let said = deleted(
        &format!("the price of {} {}", args.profile, args.model),
        args.change.validate_only,
    );
    let request = proto::DeletePriceRequest {
        profile: args.profile,
        model: args.model,
        effective_time: args.when.from,
        etag: args.when.etag,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.delete_price(request).await?;
    output::show(client.json, &answer.into_inner(), |_| said)
}
