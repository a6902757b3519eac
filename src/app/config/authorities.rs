//! Whom our own requests believe that a host is who it says: beside those that Mozilla trusts, the authorities of a private network.

use std::{fs::File, io::Read as _, path::PathBuf};

use super::problems::given_path;
use crate::outbound::Authorities;

const CA_FILE: &str = "KEYLEASE_OUTBOUND_CA_FILE";
/// Larger than any bundle of authorities.
const BYTES_MAX: u64 = 1024 * 1024;

/// Those of the file, if one is given. What is in it is no secret.
pub(super) fn parse(file: Option<&PathBuf>) -> Result<Authorities, String> {
    let Some(path) = given_path(file) else {
        return Ok(Authorities::default());
    };
    let shown = path.display();
    let failed = |cause: std::io::Error| {
        format!(
            "{CA_FILE} names {shown}, which can't be read ({}): check the path and that this user may read it",
            cause.kind()
        )
    };
    let mut pem = Vec::new();
    let file = File::open(&path).map_err(failed)?;
    file.take(BYTES_MAX + 1)
        .read_to_end(&mut pem)
        .map_err(failed)?;
    if pem.len() as u64 > BYTES_MAX {
        return Err(format!(
            "{CA_FILE} names {shown}, which is larger than {BYTES_MAX} bytes"
        ));
    }
    let authorities = Authorities::default().and(&pem);
    authorities.map_err(|what| {
        format!("{CA_FILE} names {shown}, which {what}: give the certificates of authorities, PEM")
    })
}
