//! The folder of `dev` is made by whoever runs it, or was: nobody else may have put a key into it.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use rustix::fs::{Mode, OFlags};

/// What holds a secret, or leads to where the data is.
const ENTRIES: [&str; 4] = ["master.key", "admin.token", "lessee.token", "postgres"];

/// Makes the folder if it is not there, closes it, and says where it is and whether it is new.
pub(super) fn open(shown: &Path) -> anyhow::Result<(PathBuf, bool)> {
    // Root's Postgres runs as another user, which must pass through; the files within are closed each by itself.
    let root = rustix::process::geteuid().is_root();
    let mode = if root { 0o711 } else { 0o700 };
    // Without the slash at its end, behind which a link would be followed.
    let path: PathBuf = shown.components().collect();
    let failed = || format!("can't make the folder {}", shown.display());
    let is_new = make(&path, mode).with_context(failed)?;
    let folder = open_itself(&path, shown)?;
    let about = rustix::fs::fstat(&folder).with_context(failed)?;
    refuse_strangers(shown, about.st_uid)?;
    rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode)).with_context(failed)?;
    // From here on nobody else can put anything into it.
    for entry in ENTRIES {
        check_entry(&path, shown, entry)?;
    }
    Ok((path.canonicalize().with_context(failed)?, is_new))
}

/// Whether the folder is new. The system says so: of two that start at once, one makes it, and the other must not remove it.
fn make(path: &Path, mode: u32) -> io::Result<bool> {
    if let Some(parent) = path.parent() {
        let mut parents = fs::DirBuilder::new();
        parents.recursive(true).mode(mode).create(parent)?;
    }
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => Ok(true),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// The folder, and nothing that a link of this name leads to.
fn open_itself(path: &Path, shown: &Path) -> anyhow::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|cause| {
        if path.is_symlink() {
            anyhow!(
                "{} is a symbolic link, which somebody else may have put there: name the folder that it leads to with --data, or remove it",
                shown.display()
            )
        } else {
            anyhow!("can't open the folder {}: {cause}", shown.display())
        }
    })
}

/// Secrets are files of their own; the data may be elsewhere, by a link of our own making. The data's folder belongs to the server's user,
/// and the server looks at that itself.
fn check_entry(folder: &Path, shown: &Path, entry: &str) -> anyhow::Result<()> {
    let shown = shown.join(entry);
    let about = match fs::symlink_metadata(folder.join(entry)) {
        Ok(about) => about,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => {
            return Err(cause).with_context(|| format!("can't look at {}", shown.display()));
        }
    };
    let is_secret = entry != "postgres";
    if is_secret && !about.is_file() {
        bail!(
            "{} is no file, but a link or a folder, which somebody else may have put there: remove it, or put the file there that it stands for",
            shown.display()
        );
    }
    if is_secret || about.is_symlink() {
        refuse_strangers(&shown, about.uid())?;
    }
    Ok(())
}

fn refuse_strangers(shown: &Path, owner: u32) -> anyhow::Result<()> {
    let own = rustix::process::geteuid().as_raw();
    if owner == own {
        return Ok(());
    }
    let shown = shown.display();
    bail!(
        "{shown} belongs to user {owner}, and this is run by user {own}: whoever owns it may have put a key of their own there. Run this as that \
         user, name another folder with --data, or, if you know what is in it, take it over with `chown -h {own} {shown}`"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn new_path() -> PathBuf {
        std::env::temp_dir().join(format!("keylease-{}", uuid::Uuid::new_v4()))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_folder_is_made_closed_and_found_again() {
        let path = new_path().join("deep").join("er");
        let (made, is_new) = open(&path).unwrap();
        assert!(is_new);
        assert_eq!(mode(&made) & 0o066, 0);
        fs::write(made.join("master.key"), "secret").unwrap();
        fs::set_permissions(&made, fs::Permissions::from_mode(0o777)).unwrap();
        let (found, is_new) = open(&path.join(".")).unwrap();
        assert_eq!((found, is_new), (made.clone(), false));
        assert_eq!(mode(&made) & 0o066, 0);
        fs::remove_dir_all(path.ancestors().nth(2).unwrap()).unwrap();
    }

    #[test]
    fn what_a_link_leads_to_is_left_alone() {
        let (target, link) = (new_path(), new_path());
        fs::create_dir(&target).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&target, &link).unwrap();
        let with_slash = PathBuf::from(format!("{}/", link.display()));
        for path in [&link, &with_slash] {
            let refused = open(path).unwrap_err().to_string();
            assert!(refused.contains("is a symbolic link"), "{refused}");
        }
        assert_eq!(mode(&target), 0o755);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
        fs::remove_file(link).unwrap();
        fs::remove_dir(target).unwrap();
    }

    #[test]
    fn a_secret_that_is_a_link_is_refused() {
        let path = new_path();
        open(&path).unwrap();
        symlink("/etc/hostname", path.join("admin.token")).unwrap();
        let refused = open(&path).unwrap_err().to_string();
        assert!(refused.contains("admin.token is no file"), "{refused}");
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused_with_the_remedy() {
        let own = rustix::process::geteuid().as_raw();
        refuse_strangers(Path::new("x"), own).unwrap();
        let refused = refuse_strangers(Path::new("x"), own + 1).unwrap_err();
        let remedy = format!("chown -h {own} x");
        assert!(refused.to_string().contains(&remedy), "{refused}");
        // Only root can give files away; who is not finds a folder of root's that it may look into.
        if own != 0 {
            assert!(open(Path::new("/usr")).is_err());
            return;
        }
        let path = new_path();
        open(&path).unwrap();
        for entry in ["master.key", ""] {
            let given = path.join(entry);
            if !entry.is_empty() {
                fs::write(&given, "secret").unwrap();
            }
            std::os::unix::fs::lchown(&given, Some(65_534), None).unwrap();
            let refused = open(&path).unwrap_err().to_string();
            assert!(refused.contains("belongs to user 65534"), "{refused}");
            std::os::unix::fs::lchown(&given, Some(0), None).unwrap();
        }
        open(&path).unwrap();
        fs::remove_dir_all(path).unwrap();
    }
}
