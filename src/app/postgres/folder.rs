//! The folder of a private Postgres: its lock, its data, its socket and its log.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{
    Options, binaries::Binaries, elsewhere, errors::StartError, identity::Identity, socket,
};

/// Enough of a log to see why a start failed.
const LOG_TAIL_LINES: usize = 12;

/// Held until it is dropped.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// Closing the file would not do: a process that another thread has just begun to start has a copy of it, and the lock with it, until it
    /// runs its program.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "a lock ends with its file");
        }
    }
}

/// A folder that this process holds the lock of.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    socket: PathBuf,
    /// Released by the system when we end, however we end.
    _lock: Lock,
}

impl Folder {
    /// Makes the folder if it is not there, and takes its lock.
    pub(super) fn open(
        path: &Path,
        identity: &Identity,
        notes: &mut Vec<String>,
    ) -> Result<Self, StartError> {
        if !path.exists() && identity.is_other() {
            elsewhere::link_if_unreachable(path, identity, notes)?;
        }
        make_private(path).map_err(StartError::io("make", path))?;
        let path = path
            .canonicalize()
            .map_err(StartError::io("resolve", path))?;
        if !identity.can_reach(&path) {
            return Err(StartError::Unreachable {
                folder: path,
                user: identity.name().to_owned(),
            });
        }
        let lock = take_lock(&path)?;
        identity
            .own(&path)
            .map_err(StartError::io("give away", &path))?;
        let socket = socket::folder(&path, identity, notes)?;
        Ok(Self {
            path,
            socket,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    /// After the server has stopped: a socket's folder that is not beside the data is of no more use.
    pub(super) fn forget_socket(&self) {
        if !self.socket.starts_with(&self.path) {
            // Only if it is empty; the next start uses what is left.
            let _ = fs::remove_dir(&self.socket);
        }
    }

    /// The release that made the data, if there is data.
    pub(super) fn data_version(&self) -> Option<String> {
        let version = fs::read_to_string(self.data().join("PG_VERSION")).ok()?;
        Some(version.trim().to_owned())
    }

    /// Makes the data beside its place and then moves it there, so that data is either whole or absent.
    pub(super) fn initialise(
        &self,
        binaries: &Binaries,
        identity: &Identity,
        options: &Options,
    ) -> Result<(), StartError> {
        let unfinished = self.path.join("data.unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(StartError::io("remove", &unfinished))?;
        }
        let mut command = identity.command(binaries.initdb());
        command.arg("--pgdata").arg(&unfinished);
        // Trust: whoever reaches the socket, in a folder of mode 0700, is its owner or root.
        command.args(["--username", super::NAME, "--auth", "trust"]);
        command.args(["--encoding", "UTF8", "--locale", "C", "--no-instructions"]);
        if !options.durable {
            command.arg("--no-sync");
        }
        let output = command
            .output()
            .map_err(StartError::io("run", binaries.initdb()))?;
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(StartError::Initdb { output });
        }
        fs::rename(&unfinished, self.data()).map_err(StartError::io("rename", unfinished))
    }

    /// A fresh log; the one before is kept beside it.
    pub(super) fn open_log(&self, identity: &Identity) -> Result<File, StartError> {
        let path = self.log();
        if path.exists() {
            let before = self.path.join("postgres.log.old");
            fs::rename(&path, before).map_err(StartError::io("rename", &path))?;
        }
        let log = private_file()
            .create_new(true)
            .open(&path)
            .map_err(StartError::io("make", &path))?;
        identity
            .own(&path)
            .map_err(StartError::io("give away", path))?;
        Ok(log)
    }

    /// The last lines of the log.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

/// Makes a folder, and its parents, that only its owner may enter; one that exists is tightened if it is ours.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    if !path.exists() {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        return DirBuilder::new().mode(0o700).create(path);
    }
    if fs::metadata(path)?.mode() & 0o077 != 0 {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    Ok(())
}

fn take_lock(folder: &Path) -> Result<Lock, StartError> {
    let path = folder.join("lock");
    let mut file = private_file()
        .read(true)
        .open(&path)
        .map_err(StartError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid)
                .map_err(StartError::io("read", &path))?;
            return Err(StartError::InUse {
                folder: folder.to_owned(),
                pid: pid.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(cause)) => return Err(StartError::io("lock", path)(cause)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(StartError::io("write", path))?;
    Ok(Lock(file))
}

/// Follows no link: where we are root, the folder belongs to a user who is not, and could point us anywhere.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}
