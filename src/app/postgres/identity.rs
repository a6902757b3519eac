//! Who the server runs as: we ourselves, or, since Postgres refuses root, an unprivileged user.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use super::errors::StartError;

/// In this order: the package's own user, then the one that every system has.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// The user that the server and its tools run as.
#[derive(Debug)]
pub(super) struct Identity {
    other: Option<User>,
}

#[derive(Debug)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Identity {
    /// Ourselves; for root, whoever owns the folder's data, or else an unprivileged user.
    pub(super) fn for_folder(folder: &Path) -> Result<Self, StartError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { other: None });
        }
        let owner = fs::metadata(folder.join("data"))
            .ok()
            .map(|data| (data.uid(), data.gid()));
        let other = match owner {
            Some((uid, gid)) if uid != 0 => User {
                name: uid.to_string(),
                uid,
                gid,
            },
            _ => unprivileged().ok_or(StartError::NoUser)?,
        };
        Ok(Self { other: Some(other) })
    }

    /// Whether the server runs as another user than we.
    pub(super) fn is_other(&self) -> bool {
        self.other.is_some()
    }

    /// The user's name, for messages.
    pub(super) fn name(&self) -> &str {
        self.other.as_ref().map_or("this user", |user| &user.name)
    }

    /// The user's id.
    pub(super) fn uid(&self) -> u32 {
        self.other
            .as_ref()
            .map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid)
    }

    /// Gives the user a file or folder, never what a link of that user's points to.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match &self.other {
            Some(user) => lchown(path, Some(user.uid), Some(user.gid)),
            None => Ok(()),
        }
    }

    /// A command that runs as the user, and sees none of our environment: it may hold a master key.
    pub(super) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/");
        if let Some(user) = &self.other {
            // Changing the user as root drops the supplementary groups too.
            command.uid(user.uid).gid(user.gid);
        }
        command
    }

    /// Whether the user can pass through every folder above this path.
    pub(super) fn can_reach(&self, path: &Path) -> bool {
        let Some(user) = &self.other else { return true };
        path.ancestors().skip(1).all(|folder| {
            fs::metadata(folder).is_ok_and(|about| {
                let shift = match () {
                    () if about.uid() == user.uid => 6,
                    () if about.gid() == user.gid => 3,
                    () => 0,
                };
                about.mode() >> shift & 1 == 1
            })
        })
    }
}

fn unprivileged() -> Option<User> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    USERS.iter().find_map(|name| user(&users, name))
}

fn user(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        found.then(|| User {
            name: name.to_owned(),
            uid,
            gid,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgresx:x:5:6:::\npostgres:x:101:104:,,,:/var/lib:/bin/bash\n";
        let found = user(users, "postgres").map(|user| (user.uid, user.gid));
        assert_eq!(found, Some((101, 104)));
        assert!(user(users, "nobody").is_none());
    }
}
