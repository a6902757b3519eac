//! Where the socket is: beside the data, or, where that path is too long, in a short one that nobody else can enter.

use std::{
    env, fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use super::{errors::StartError, folder::make_private, identity::Identity};

/// `sun_path` has 108 bytes with its end.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// What Postgres puts into the folder: `/.s.PGSQL.5432` and, beside it, `/.s.PGSQL.5432.lock`, which is no socket.
const SOCKET_NAME_BYTES: usize = "/.s.PGSQL.5432".len();

/// Makes the folder of the socket, and notes where it is if that is not beside the data.
pub(super) fn folder(
    home: &Path,
    identity: &Identity,
    notes: &mut Vec<String>,
) -> Result<PathBuf, StartError> {
    let beside = home.join("socket");
    if is_short(&beside) {
        if make_own(&beside, identity) {
            return Ok(beside);
        }
        return Err(StartError::NotOurs { path: beside });
    }
    let mut tried = Vec::new();
    for parent in short_places() {
        // The same name for the same data, so that a run that was killed leaves nothing behind that the next does not use.
        let name = format!(
            "keylease-{:08x}",
            crc32fast::hash(home.as_os_str().as_bytes())
        );
        let short = parent.join(name);
        if is_short(&short) && identity.can_reach(&short) && make_own(&short, identity) {
            notes.push(format!(
                "the Postgres socket is in {}, since a socket's path has at most {SOCKET_PATH_BYTES_MAX} bytes",
                short.display()
            ));
            return Ok(short);
        }
        tried.push(short.display().to_string());
    }
    Err(StartError::NoSocketFolder {
        max: SOCKET_PATH_BYTES_MAX,
        tried: tried.join(", "),
    })
}

fn short_places() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .into_iter()
        .chain([env::temp_dir(), PathBuf::from("/tmp")])
        .filter(|place| place.is_absolute())
        .collect()
}

fn is_short(folder: &Path) -> bool {
    folder.as_os_str().len() + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES_MAX
}

/// Makes the folder, or accepts one that only the server's user can have made: anybody may make names in a temporary folder.
fn make_own(folder: &Path, identity: &Identity) -> bool {
    if let Ok(found) = fs::symlink_metadata(folder) {
        return found.is_dir() && found.uid() == identity.uid() && found.mode() & 0o777 == 0o700;
    }
    make_private(folder).is_ok() && identity.own(folder).is_ok()
}

/// Escapes a path for a URL's query.
pub(super) fn percent_encode(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                text.push(byte.into());
            }
            // Writing to a string does not fail.
            other => drop(write!(text, "%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_a_url() {
        let encoded = percent_encode(Path::new("/tmp/a b/ü&c"));
        assert_eq!(encoded, "/tmp/a%20b/%C3%BC%26c");
    }

    #[test]
    fn ninety_three_bytes_of_folder_are_the_most() {
        assert!(is_short(Path::new(&"x".repeat(93))));
        assert!(!is_short(Path::new(&"x".repeat(94))));
    }
}
