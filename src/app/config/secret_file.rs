//! Files that hold a secret: read whole, bounded, and refused where others of this machine can read them.
//!
//! A file of our own must be closed to group and others, since we can close it. A file that belongs to somebody else was put there by a
//! platform: Kubernetes, say, projects secrets as root's and opens them to the group (`fsGroup`), since that is how we may read them at
//! all. There only a file that everybody may read is worth a warning, and no more than that: inside a container nobody else is.

use std::{fs::File, io::Read, os::unix::fs::MetadataExt, path::Path};

use crate::crypto::Secret;

/// Larger than any key, chain or passphrase.
const BYTES_MAX: u64 = 64 * 1024;

/// Reads the file that variable `name` names; pushes a warning where it is more open than it should be.
pub(super) fn read(name: &str, path: &Path, warnings: &mut Vec<String>) -> Result<Secret, String> {
    let subject = format!("{name} names {}", path.display());
    read_as(&subject, path, warnings)
}

/// The same for a file that no variable names; messages begin with `subject`, which ends with the path.
pub(in crate::app) fn read_as(
    subject: &str,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Secret, String> {
    let shown = path.display();
    let failed = |cause: std::io::Error| {
        format!(
            "{subject}, which can't be read ({}): check the path and that this user may read it",
            cause.kind()
        )
    };
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(format!("{subject}, which is no file"));
    }
    let mode = about.mode() & 0o777;
    if about.uid() == rustix::process::geteuid().as_raw() {
        if mode & 0o077 != 0 {
            return Err(format!(
                "{subject}, whose mode {mode:04o} lets others read it: chmod 600 {shown} (in Kubernetes, defaultMode: 0400)"
            ));
        }
    } else if mode & 0o007 != 0 {
        warnings.push(format!(
            "{subject}, whose mode {mode:04o} lets every user of this machine read it"
        ));
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    // Wiped when it is dropped, whichever way this goes.
    let secret = Secret::new(bytes);
    if secret.len() as u64 > BYTES_MAX {
        return Err(format!("{subject}, which is larger than {BYTES_MAX} bytes"));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_file_of_ours_that_others_can_read_is_refused_with_the_remedy() {
        let path = std::env::temp_dir().join(format!("keylease-{}", uuid::Uuid::new_v4()));
        fs::write(&path, "secret").unwrap();
        let read_with = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read("KEYLEASE_MASTER_KEY_FILE", &path, &mut Vec::new())
        };
        assert_eq!(read_with(0o600).unwrap().expose(), b"secret");
        assert_eq!(read_with(0o400).unwrap().expose(), b"secret");
        for open in [0o640, 0o604, 0o660] {
            let problem = read_with(open).unwrap_err();
            assert!(
                problem.contains(&format!("{open:04o}")) && problem.contains("chmod 600"),
                "{problem}"
            );
        }
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_missing_file_is_named_with_its_variable() {
        let problem = read("X_FILE", Path::new("/nowhere/key"), &mut Vec::new()).unwrap_err();
        assert!(
            problem.starts_with("X_FILE names /nowhere/key, which can't be read"),
            "{problem}"
        );
    }
}
