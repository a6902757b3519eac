//! What `dev` prints: where things are, and the three lines to paste next.

use std::{net::SocketAddr, path::Path};

/// The address that the client takes when none is named.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7600";

/// The text.
pub(super) fn welcome(data: &Path, address: SocketAddr, metrics: Option<SocketAddr>) -> String {
    let admin = quoted(&data.join("admin.token"));
    let lessee = quoted(&data.join("lessee.token"));
    let server = if address.to_string() == DEFAULT_ADDRESS {
        String::new()
    } else {
        format!(" --server http://{address}")
    };
    let metrics = metrics.map_or_else(String::new, |metrics| {
        format!(", metrics on http://{metrics}/metrics")
    });
    format!(
        "KeyLease serves gRPC on {address}{metrics}; everything is kept in {shown}. Ctrl-C stops it.\n\
         \n\
         Next, in another terminal:\n\
         \n\
         keylease keys import .env{server} --token-file {admin}\n\
         keylease lease openai{server} --token-file {lessee}\n\
         grpcurl -plaintext -H \"authorization: Bearer $(cat {lessee})\" -d '{{\"pool\": \"pools/openai\"}}' {address} \
         keylease.v1.LeaseService/LeaseKey\n\
         \n",
        shown = data.display(),
    )
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_name_the_server_only_where_it_is_not_the_usual_one() {
        let at = |address: &str| welcome(Path::new(".keylease"), address.parse().unwrap(), None);
        let usual = at(DEFAULT_ADDRESS);
        assert!(
            usual.contains("keylease lease openai --token-file .keylease/lessee.token\n"),
            "{usual}"
        );
        let other = at("127.0.0.1:41234");
        assert!(
            other
                .contains("keylease keys import .env --server http://127.0.0.1:41234 --token-file"),
            "{other}"
        );
    }

    #[test]
    fn a_folder_with_a_space_is_quoted() {
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
