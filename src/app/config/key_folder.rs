//! A folder of files of master keys, such as a mounted secret: every file in it is read, in the order of their names.
//!
//! Kubernetes swaps all files of a mounted secret at once, by the link `..data`. What that names now is read as a whole, so that no reading
//! mixes two states; names that begin with a dot are not keys.

use std::{fs, path::Path};

use super::secret_file;
use crate::crypto::KeyRing;

/// More than a ring holds.
const FILES_MAX: usize = 64;

/// All keys of the folder that variable `name` names.
pub(super) fn read(name: &str, path: &Path, warnings: &mut Vec<String>) -> Result<KeyRing, String> {
    let subject = format!("{name} names {}", path.display());
    let failed = |cause: std::io::Error| {
        format!(
            "{subject}, which can't be read ({}): check the path and that this user may read it",
            cause.kind()
        )
    };
    let mounted = fs::canonicalize(path.join("..data"));
    let folder = mounted.unwrap_or_else(|_| path.to_owned());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?.path();
        let is_hidden = entry
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && fs::metadata(&entry).map_err(failed)?.is_file() {
            names.push(entry);
        }
        if names.len() > FILES_MAX {
            return Err(format!(
                "{subject}, which holds more than {FILES_MAX} files"
            ));
        }
    }
    names.sort();
    let ring = |path: &std::path::PathBuf| {
        let text = secret_file::read(name, path, warnings)?;
        super::master_key::ring(&format!("{name} ({})", path.display()), &text)
    };
    let rings: Result<Vec<KeyRing>, String> = names.iter().map(ring).collect();
    let rings = rings?;
    if rings.is_empty() {
        return Err(format!(
            "{subject}, which holds no file: put one with a klmk1_ key there"
        ));
    }
    KeyRing::join(rings).map_err(|problem| format!("{subject}: {problem}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::crypto::MasterKey;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("keylease-{}", uuid::Uuid::new_v4()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, key: &MasterKey) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, key.to_text().expose()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        }

        fn read(&self) -> Result<KeyRing, String> {
            read("X_DIR", &self.0, &mut Vec::new())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn every_file_is_read_in_the_order_of_their_names_and_hidden_ones_are_not() {
        let folder = Folder::new();
        assert!(folder.read().unwrap_err().contains("holds no file"));
        let [first, second, hidden] = [(); 3].map(|()| MasterKey::generate().unwrap());
        folder.write("b", &second);
        folder.write("a", &first);
        folder.write(".c", &hidden);
        let prints = folder.read().unwrap().fingerprints();
        assert_eq!(prints, [first.fingerprint(), second.fingerprint()]);
        fs::remove_file(folder.0.join("a")).unwrap();
        fs::write(folder.0.join("a"), "sk-canary").unwrap();
        fs::set_permissions(folder.0.join("a"), fs::Permissions::from_mode(0o400)).unwrap();
        let problem = folder.read().unwrap_err();
        assert!(
            problem.contains("line 1") && !problem.contains("canary"),
            "{problem}"
        );
    }

    #[test]
    fn a_mounted_secret_is_read_through_its_link() {
        let folder = Folder::new();
        let [old, new] = [(); 2].map(|()| MasterKey::generate().unwrap());
        folder.write("..one/key", &old);
        folder.write("..two/key", &new);
        symlink("..one", folder.0.join("..data")).unwrap();
        symlink("..data/key", folder.0.join("key")).unwrap();
        assert_eq!(folder.read().unwrap().fingerprints(), [old.fingerprint()]);
        symlink("..two", folder.0.join("..new")).unwrap();
        fs::rename(folder.0.join("..new"), folder.0.join("..data")).unwrap();
        assert_eq!(folder.read().unwrap().fingerprints(), [new.fingerprint()]);
    }
}
