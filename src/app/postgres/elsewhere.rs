//! Where the data goes when root works in a folder, such as /root, that the server's user can't enter: into a place that it can, with
//! a link where the data was expected.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{errors::StartError, folder::make_private, identity::Identity};

/// Makes `path` a link to a reachable folder, if a folder at `path` could not be reached.
pub(super) fn link_if_unreachable(
    path: &Path,
    identity: &Identity,
    notes: &mut Vec<String>,
) -> Result<(), StartError> {
    let Some((parent, name)) = path.parent().zip(path.file_name()) else {
        return Ok(());
    };
    fs::create_dir_all(parent).map_err(StartError::io("make", parent))?;
    let parent = parent
        .canonicalize()
        .map_err(StartError::io("resolve", parent))?;
    if identity.can_reach(&parent.join(name)) {
        return Ok(());
    }
    for place in [
        PathBuf::from("/var/lib"),
        env::temp_dir(),
        PathBuf::from("/tmp"),
    ] {
        let folder = place.join(format!("keylease-{}", Uuid::new_v4().simple()));
        if identity.can_reach(&folder) && make_private(&folder).is_ok() {
            symlink(&folder, path).map_err(StartError::io("link", path))?;
            notes.push(format!(
                "the Postgres data is in {}, since user {} can't enter {}",
                folder.display(),
                identity.name(),
                parent.display()
            ));
            return Ok(());
        }
    }
    Err(StartError::Unreachable {
        folder: path.to_owned(),
        user: identity.name().to_owned(),
    })
}
