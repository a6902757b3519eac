//! The folder of `dev`.
//!
//! ```text
//! .keylease/.gitignore    keeps all of it out of commits
//! .keylease/master.key    0600
//! .keylease/admin.token   0600
//! .keylease/lessee.token  0600
//! .keylease/address       host:port of gRPC, while it serves
//! .keylease/postgres      the private Postgres
//! ```

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, anyhow};

use super::folder;
use crate::{
    app::{config::secret_file, private_file},
    crypto::{CallerToken, KeyRing, MasterKey, MissingMasterKey, PresentedToken, Secret},
};

/// The folder.
#[derive(Debug)]
pub(super) struct Home {
    /// As the person wrote it, for messages.
    shown: PathBuf,
    path: PathBuf,
    /// Made by this run.
    is_new: bool,
    /// Somebody may have used it.
    has_served: AtomicBool,
}

impl Home {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// Also when somebody else may have put something into it.
    pub(super) fn open(shown: &Path) -> anyhow::Result<Self> {
        let (path, is_new) = folder::open(shown)?;
        let home = Self {
            shown: shown.to_owned(),
            path,
            is_new,
            has_served: AtomicBool::new(false),
        };
        if !home.file(".gitignore").exists() {
            home.write(".gitignore", b"*\n")?;
        }
        Ok(home)
    }

    pub(super) fn shown(&self) -> &Path {
        &self.shown
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// Where the database is, if the server's user cannot reach this folder.
    pub(super) fn database_elsewhere(&self) -> Option<PathBuf> {
        fs::read_link(self.postgres()).ok()
    }

    /// Makes a master key, unless there is one or there is data, which another one has sealed.
    pub(super) fn ensure_master_key(&self) -> anyhow::Result<()> {
        if self.has_master_key() || self.postgres().join("data").exists() {
            return Ok(());
        }
        let text = MasterKey::generate()?.to_text();
        let line = Secret::new([text.expose(), b"\n"].concat());
        self.write("master.key", line.expose())
    }

    /// The file of the master key.
    pub(super) fn master_key_file(&self) -> PathBuf {
        self.file("master.key")
    }

    /// Whether it is there.
    pub(super) fn has_master_key(&self) -> bool {
        self.master_key_file().exists()
    }

    /// The file of the master key is not beside the data, which needs this one.
    pub(super) fn master_key_gone(&self, wanted: Option<&str>) -> anyhow::Error {
        anyhow!(
            "{} is gone, and the data beside it, which master key {} sealed, can't be read without it: put it back, or remove {} to start \
             afresh",
            self.shown.join("master.key").display(),
            wanted.unwrap_or("of unknown fingerprint"),
            self.shown.display()
        )
    }

    /// The master key, by the rule of every file with a secret: nobody else of this machine may read it.
    pub(super) fn master_key(&self) -> anyhow::Result<KeyRing> {
        let shown = self.shown.join("master.key");
        let subject = format!("dev needs {}", shown.display());
        let mut warnings = Vec::new();
        let text = secret_file::read_as(&subject, &shown, &mut warnings).map_err(|e| anyhow!(e))?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let text = std::str::from_utf8(text.expose())
            .with_context(|| format!("{} is not text", shown.display()))?;
        KeyRing::parse(text).with_context(|| format!("{} is no master key", shown.display()))
    }

    /// The file of the master key holds another one than the data needs.
    pub(super) fn other_master_key(&self, missing: &MissingMasterKey) -> anyhow::Error {
        anyhow!(
            "{} holds another key than {}, which sealed the data beside it: put that one back, or remove {} to start afresh",
            self.shown.join("master.key").display(),
            missing.wanted,
            self.shown.display()
        )
    }

    /// Whether the file of a token is there and holds one that the database knows. What is damaged or of another vault is told, since a copy of it may be in use
    /// somewhere.
    pub(super) fn has_token(
        &self,
        file: &str,
        is_known: impl FnOnce(&PresentedToken<'_>) -> bool,
    ) -> bool {
        let Ok(text) = fs::read(self.file(file)) else {
            return false;
        };
        let text = Secret::new(text);
        let file = self.shown.join(file);
        match CallerToken::parse(text.expose().trim_ascii()) {
            Ok(token) if is_known(&token) => true,
            Ok(_) => {
                tracing::warn!(file = %file.display(), "the file holds a token that this database does not know, as of data that was removed: a new one is made");
                false
            }
            Err(cause) => {
                tracing::warn!(file = %file.display(), %cause, "the file holds no token, a new one is made");
                false
            }
        }
    }

    /// Keeps a token.
    pub(super) fn keep_token(&self, file: &str, token: &Secret) -> anyhow::Result<()> {
        let line = Secret::new([token.expose(), b"\n"].concat());
        self.write(file, line.expose())
    }

    /// After a start that failed: a folder that this run has made, and that nobody has used, is gone again.
    pub(super) fn leave_as_found(&self) {
        if !self.is_new || self.has_served.load(Ordering::Relaxed) {
            return;
        }
        // The data may be where the server's user can reach it, with a link in its place.
        let elsewhere = self.database_elsewhere();
        for folder in elsewhere.iter().chain([&self.path]) {
            if let Err(cause) = fs::remove_dir_all(folder) {
                tracing::warn!(folder = %folder.display(), %cause, "a folder that is of no use can't be removed");
            }
        }
    }

    /// Tells other processes where gRPC is.
    pub(super) fn remember_address(&self, address: SocketAddr) -> anyhow::Result<()> {
        self.has_served.store(true, Ordering::Relaxed);
        self.write("address", format!("{address}\n").as_bytes())
    }

    /// Nobody serves any more.
    pub(super) fn forget_address(&self) {
        // It may never have been written.
        let _ = fs::remove_file(self.file("address"));
    }

    fn write(&self, name: &str, text: &[u8]) -> anyhow::Result<()> {
        private_file::replace(&self.file(name), text)
            .with_context(|| format!("can't write {}", self.shown.join(name).display()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
