//! `keylease tokens`: callers' tokens, whose text is seen once.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use prost_types::Timestamp;
use zeroize::Zeroizing;

use super::connect::ClientArgs;
use super::failure::Failure;
use super::flags::{ChangeArgs, from_now, say_validated, time};
use super::paging::{PageArgs, every_page};
use super::{names, output, table, view, words};
use crate::proto::{self, Token};

/// The noun and its verb.
#[derive(Debug, Args)]
pub struct Tokens {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a token; its text is shown this once, or written to a new file
    #[command(after_help = "Examples:
  keylease tokens create search --out search.token
  TOKEN=$(keylease tokens create search --display-name ci --expires-in 90days)

Without --out the text alone goes to stdout, the rest to stderr; with --json both go to stdout.")]
    Create(CreateArgs),
    /// List the tokens of a caller; never their text
    List(ListArgs),
    /// End a token for ever
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Whose: a caller, short (search) or full (callers/search)
    caller: String,
    /// Write the token to this file, which must not exist, readable by its owner alone
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// What the token is for; at most 128 bytes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    display_name: String,
    /// End it by itself after this time, such as 90days
    #[arg(long, value_name = "DURATION", value_parser = from_now, conflicts_with = "expires_at")]
    expires_in: Option<Timestamp>,
    /// End it by itself at this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<Timestamp>,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Whose: a caller, short (search) or full (callers/search)
    caller: String,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The token, short (search/ID) or full (callers/search/tokens/ID)
    name: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs the verb.
pub(crate) async fn run(command: Tokens) -> Result<(), Failure> {
    let client = &command.client;
    match command.verb {
        Verb::Create(args) => create(client, args).await,
        Verb::List(args) => list(client, args).await,
        Verb::Revoke(args) => revoke(client, args).await,
    }
}

async fn create(client: &ClientArgs, args: CreateArgs) -> Result<(), Failure> {
    let request = proto::CreateTokenRequest {
        parent: names::caller(&args.caller)?,
        expire_time: args.expires_at.or(args.expires_in),
        display_name: args.display_name,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    // Made before the token is, since a token that cannot be kept is lost.
    let file = args.out.as_deref().filter(|_| !args.change.validate_only);
    let file = file.map(NewFile::create).transpose()?;
    let answer = client.admin().await?.create_token(request).await;
    let mut answer = match (answer, &file) {
        (Ok(answer), _) => answer.into_inner(),
        (Err(status), Some(file)) => {
            file.remove();
            return Err(status.into());
        }
        (Err(status), None) => return Err(status.into()),
    };
    say_validated(args.change.validate_only);
    if let Some(file) = file {
        let text = Zeroizing::new(std::mem::take(&mut answer.text));
        file.write(&text)?;
    }
    show_created(client, &answer)
}

/// The text alone on stdout, so that a shell can catch it.
fn show_created(client: &ClientArgs, answer: &proto::CreateTokenResponse) -> Result<(), Failure> {
    if client.json {
        return output::show(true, answer, |_| String::new());
    }
    let token = answer.token.as_ref();
    let about = one(token.ok_or_else(|| Failure::answer_lacks("token"))?);
    if answer.text.is_empty() {
        return output::line(&about);
    }
    output::remark(&format!("{about}\nThe token is shown this once:"));
    output::line(&answer.text)
}

async fn list(client: &ClientArgs, args: ListArgs) -> Result<(), Failure> {
    let request = proto::ListTokensRequest {
        parent: names::caller(&args.caller)?,
        ..Default::default()
    };
    let mut admin = client.admin().await?;
    let answer = every_page!(admin, list_tokens, tokens, &args.page, request);
    output::show(client.json, &answer, |answer| table(&answer.tokens))
}

async fn revoke(client: &ClientArgs, args: RevokeArgs) -> Result<(), Failure> {
    let request = proto::RevokeTokenRequest {
        name: names::token(&args.name)?,
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = client.admin().await?.revoke_token(request).await?;
    say_validated(args.change.validate_only);
    let token = answer.into_inner().token;
    output::show(
        client.json,
        &token.ok_or_else(|| Failure::answer_lacks("token"))?,
        one,
    )
}

fn one(token: &Token) -> String {
    output::details(&[
        ("name", token.name.clone()),
        ("for", words::printable(&token.display_name)),
        ("created", words::time(token.create_time.as_ref())),
        ("ends", words::time(token.expire_time.as_ref())),
        ("revoked", words::time(token.revoke_time.as_ref())),
        ("not believed", view::distrust(token.distrust.as_ref())),
    ])
}

fn table(tokens: &[Token]) -> String {
    let rows = tokens.iter().map(|token| {
        vec![
            short(&token.name),
            words::date(token.create_time.as_ref()),
            words::date(token.expire_time.as_ref()),
            match &token.distrust {
                Some(distrust) => view::distrusted(distrust),
                None => words::date(token.revoke_time.as_ref()),
            },
            words::printable(&token.display_name),
        ]
    });
    table::list(
        &["NAME", "CREATED", "ENDS", "REVOKED", "FOR"],
        rows,
        "no tokens",
    )
}

/// `callers/search/tokens/ID` is `search/ID` here, as every verb takes it.
fn short(name: &str) -> String {
    let (owner, id) = names::split(name);
    format!("{}/{id}", names::split(owner).1)
}

/// A file that did not exist before and that only its owner can read.
struct NewFile<'a> {
    path: &'a Path,
    file: std::fs::File,
}

impl<'a> NewFile<'a> {
    fn create(path: &'a Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        Ok(Self { path, file })
    }

    fn write(mut self, text: &str) -> Result<(), Failure> {
        let written = writeln!(self.file, "{text}").and_then(|()| self.file.sync_all());
        written.map_err(|error| {
            Failure::Failed(format!(
                "{}: {error}; the token is lost: revoke it and make another",
                self.path.display()
            ))
        })
    }

    fn remove(&self) {
        // An empty file left behind only asks for another name next time.
        let _ = std::fs::remove_file(self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_file_is_new_and_for_its_owner_alone() {
        let path = std::env::temp_dir().join(format!("keylease-token-{}", uuid::Uuid::now_v7()));
        NewFile::create(&path).unwrap().write("kl_x").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kl_x\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(
            NewFile::create(&path).is_err(),
            "an old file is never overwritten"
        );
        std::fs::remove_file(&path).unwrap();
    }
}
