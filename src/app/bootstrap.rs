//! `keylease bootstrap`: the first caller and its token. It acts on the database as the vault itself, since nobody can log in yet.

use std::{io::Write, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, bail};

use super::{command_line, config::BootstrapConfig, opening, private_file};
use crate::outbound::Outbound;
use crate::{
    crypto::Secret,
    domain::{
        caller::{Grant, Right},
        caller_draft::CallerDraft,
        id::Id,
        name::CallerName,
    },
    vault::{Change, CreateCaller, CreateToken, Error, Refusal, Vault},
};

/// The first caller.
pub(super) const ADMIN: &str = "admin";
/// As the audit has it.
const BOOTSTRAP: &str = "bootstrap";
/// One verb at a time.
const CONNECTIONS_MAX: u32 = 2;

/// It leases nothing.
pub(super) const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(10);

/// Whether a caller was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It has just been made.
    New,
    /// It was there, with whatever grants it has.
    Old,
}

/// Makes the caller `admin`, or finds it if told to recover, and hands out a token of it, once.
///
/// # Errors
/// There is an admin, or the vault can't be opened.
pub async fn run(config: BootstrapConfig) -> anyhow::Result<()> {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if let Some(path) = config.token_file.as_deref().filter(|path| path.exists()) {
        bail!(
            "{} exists, and may hold a token: name another file by --token-file",
            path.display()
        );
    }
    let pool = opening::database(&config.database, CONNECTIONS_MAX).await?;
    let (vault, _) = opening::vault(
        pool,
        config.master_key,
        SNAPSHOT_AGE_MAX,
        Outbound::default(),
    )
    .await?;
    let found = ensure_caller(&vault, ADMIN, vec![Grant::Admin]).await?;
    if found == Found::Old && !config.recover {
        bail!(
            "callers/{ADMIN} exists, so this vault has been bootstrapped: use its token, or, if that is lost, --recover"
        );
    }
    check_admin(&vault).await?;
    let why = match found {
        Found::New => BOOTSTRAP,
        Found::Old => "bootstrap --recover",
    };
    let token = token(&vault, ADMIN, why).await?;
    hand_out(&token, config.token_file.as_deref())
}

/// A token of a caller that may do nothing would recover nothing.
async fn check_admin(vault: &Vault) -> anyhow::Result<()> {
    let name = CallerName(Id::parse("id", ADMIN).map_err(Error::from)?);
    let caller = vault.get_caller(&name).await?;
    if !caller.has(Right::Administer) || caller.disablement.is_some() {
        bail!(
            "{name} is disabled or no admin any more: somebody else administers this vault, ask for a token there"
        );
    }
    Ok(())
}

/// Makes a caller, unless there is one of this id.
pub(super) async fn ensure_caller(
    vault: &Arc<Vault>,
    id: &str,
    grants: Vec<Grant>,
) -> anyhow::Result<Found> {
    let verb = CreateCaller {
        id: Id::parse("id", id).map_err(Error::from)?,
        draft: CallerDraft {
            grants: Some(grants),
            ..CallerDraft::default()
        },
    };
    let change = by_whoever_runs_this("CreateCaller", BOOTSTRAP);
    match vault.change(change, verb).await {
        Ok(_) => Ok(Found::New),
        Err(Error::Refused(Refusal::Exists { .. })) => Ok(Found::Old),
        Err(error) => Err(error.into()),
    }
}

/// Makes a token of a caller, and says in the audit and by its name what for.
pub(super) async fn token(vault: &Arc<Vault>, id: &str, why: &str) -> anyhow::Result<Secret> {
    let verb = CreateToken {
        caller: CallerName(Id::parse("id", id).map_err(Error::from)?),
        expire_time: None,
        display_name: why.to_owned(),
    };
    let change = by_whoever_runs_this("CreateToken", why);
    let made = vault.change(change, verb).await?;
    made.text
        .context("the vault made a token and did not tell it")
}

fn by_whoever_runs_this(method: &'static str, why: &str) -> Change {
    Change {
        source: command_line::source(),
        ..Change::by_system(method, why)
    }
}

/// To the file, or to standard output.
fn hand_out(token: &Secret, path: Option<&Path>) -> anyhow::Result<()> {
    let line = Secret::new([token.expose(), b"\n"].concat());
    match path {
        Some(path) => private_file::create(path, line.expose()).with_context(|| {
            format!(
                "a token was made and can't be written to {}: run again with --recover",
                path.display()
            )
        }),
        None => Ok(std::io::stdout().write_all(line.expose())?),
    }
}
