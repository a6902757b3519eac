//! Finds `postgres` and `initdb`, of the release that made the data.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::errors::StartError;

/// Where packages put server binaries when they keep them off `PATH`: a folder with one entry per release, and what follows it.
const USUAL_PLACES: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", "bin"),
    ("/usr/local/lib/postgresql", "bin"),
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    ("/usr", "bin"),
];

/// A folder with server binaries of one release.
#[derive(Debug)]
pub(super) struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Binaries in `named`, or else on `PATH`, or else in the usual places, newest first; of release `version` where data exists.
    pub(super) fn find(named: Option<&Path>, version: Option<&str>) -> Result<Self, StartError> {
        let mut found = Vec::new();
        for folder in places(named) {
            if !holds_server(&folder) {
                continue;
            }
            match version {
                None => return Ok(Self { folder }),
                Some(wanted) => match release_of(&folder) {
                    Some(release) if release == wanted => return Ok(Self { folder }),
                    Some(release) => found.push(release),
                    None => {}
                },
            }
        }
        Err(refusal(named, version, &found))
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }
}

fn refusal(named: Option<&Path>, version: Option<&str>, found: &[String]) -> StartError {
    match version {
        Some(version) if !found.is_empty() => StartError::OtherVersion {
            version: version.to_owned(),
            found: found.join(", "),
        },
        _ => match named {
            Some(folder) => StartError::NoneInNamed {
                folder: folder.to_owned(),
            },
            None => StartError::NoBinaries {
                looked: "PATH, /usr/lib/postgresql, /usr/pgsql-*, Homebrew".to_owned(),
            },
        },
    }
}

fn places(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(folder) = named {
        return vec![folder.to_owned()];
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&path).collect();
    for (parent, bin) in USUAL_PLACES {
        places.extend(
            releases(Path::new(parent))
                .into_iter()
                .map(|release| release.join(bin)),
        );
    }
    places
}

/// The entries that are named after a release (`17`, `pgsql-17`, `postgresql@17`), newest first.
fn releases(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut releases: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            let number = name
                .trim_start_matches("pgsql-")
                .trim_start_matches("postgresql@");
            let number = number.split('.').next()?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    releases.sort_by(|a, b| b.cmp(a));
    releases.into_iter().map(|(_, path)| path).collect()
}

fn holds_server(folder: &Path) -> bool {
    ["postgres", "initdb"]
        .iter()
        .all(|name| folder.join(name).is_file())
}

/// `17` of `postgres (PostgreSQL) 17.5 (Debian 17.5-1)`.
fn release_of(folder: &Path) -> Option<String> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().nth(2)?;
    let major = number.split(|c: char| !c.is_ascii_digit()).next()?;
    Some(major.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_server_it_says_what_to_install() {
        let told = refusal(None, None, &[]).to_string();
        assert!(told.contains("apt-get install postgresql"), "{told}");
    }

    #[test]
    fn a_folder_without_a_server_is_blamed_on_who_named_it() {
        let folder = Path::new("/nonexistent/folder");
        for version in [None, Some("17")] {
            let refused = Binaries::find(Some(folder), version).unwrap_err();
            let told = refused.to_string();
            let named = format!("KEYLEASE_POSTGRES_BIN names {}", folder.display());
            assert!(told.starts_with(&named), "{told}");
            assert!(!told.contains("apt-get"), "{told}");
        }
    }
}
