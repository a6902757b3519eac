//! `keylease master-key generate`.

use std::{io::Write, path::PathBuf};

use anyhow::Context;
use clap::Args;

use super::private_file;
use crate::crypto::{MasterKey, Secret};

/// `keylease master-key generate`
#[derive(Debug, Clone, Args)]
pub struct GenerateArguments {
    /// Write the key to this file, made with mode 0600, instead of standard output. A file that exists is refused.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// Makes a key; its fingerprint, by which the vault names it, goes to standard error.
///
/// # Errors
/// No randomness, or nowhere to write.
pub fn generate(arguments: &GenerateArguments) -> anyhow::Result<()> {
    let key = MasterKey::generate()?;
    let text = key.to_text();
    let line = Secret::new([text.expose(), b"\n"].concat());
    match &arguments.out {
        Some(path) => private_file::create(path, line.expose())
            .with_context(|| format!("can't make {}", path.display()))?,
        None => std::io::stdout().write_all(line.expose())?,
    }
    writeln!(
        std::io::stderr(),
        "master key {}: keep a copy of it where the database's backups are not",
        key.fingerprint()
    )?;
    Ok(())
}
