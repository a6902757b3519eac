//! What `dev` prints: where things are, and the three lines to paste next.

use std::{net::SocketAddr, path::Path};

/// The address that the client takes when none is named.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7600";

/// The text. The database comes with where it is kept, if not in the folder, and how to reach it; `env_file` says whether there is a `.env` beside the reader.
pub(super) fn welcome(
    data: &Path,
    (database, database_url): (Option<&Path>, &str),
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    env_file: bool,
) -> String {
    let admin = quoted(&data.join("admin.token"));
    let lessee = quoted(&data.join("lessee.token"));
    let master_key = quoted(&data.join("master.key"));
    let server = if address.to_string() == DEFAULT_ADDRESS {
        String::new()
    } else {
        format!(" --server http://{address}")
    };
    // Something to import, where there is nothing yet: the lines must work in an empty folder.
    let import = if env_file {
        "keylease keys import .env"
    } else {
        "echo OPENAI_API_KEY=sk-not-a-real-key-1 | keylease keys import -"
    };
    let shown = data.display();
    let kept = match database {
        None => format!("everything is kept in {shown}"),
        Some(database) => format!(
            "keys and tokens are kept in {shown}, the database in {}",
            database.display()
        ),
    };
    let metrics = metrics.map_or_else(String::new, |metrics| {
        format!(", metrics on http://{metrics}/metrics")
    });
    format!(
        "KeyLease serves gRPC on {address}{metrics}; {kept}. Ctrl-C stops it.\n\
         \n\
         Next, in another terminal:\n\
         \n\
         {import}{server} --token-file {admin}\n\
         keylease lease openai{server} --token-file {lessee}\n\
         KEYLEASE_TOKEN=\"$(cat {lessee})\" grpcurl -expand-headers -plaintext -H 'authorization: Bearer ${{KEYLEASE_TOKEN}}' \
         -d '{{\"pool\": \"pools/openai\"}}' {address} keylease.v1.LeaseService/LeaseKey\n\
         \n\
         For `keylease audit verify` and `keylease doctor`, which look into the database themselves:\n\
         \n\
         export KEYLEASE_DATABASE_URL='{database_url}' KEYLEASE_MASTER_KEY_FILE={master_key}\n\
         \n"
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

    const URL: &str = "postgres:///keylease?host=%2Ftmp&user=keylease";

    #[test]
    fn who_looks_into_the_database_is_told_where_it_is() {
        let address = DEFAULT_ADDRESS.parse().unwrap();
        let text = welcome(Path::new(".keylease"), (None, URL), address, None, true);
        let line = format!(
            "export KEYLEASE_DATABASE_URL='{URL}' KEYLEASE_MASTER_KEY_FILE=.keylease/master.key\n"
        );
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn the_lines_name_the_server_only_where_it_is_not_the_usual_one() {
        let at = |address: &str| {
            welcome(
                Path::new(".keylease"),
                (None, URL),
                address.parse().unwrap(),
                None,
                true,
            )
        };
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
    fn without_a_file_of_keys_one_is_made_up() {
        let at = |env_file| {
            let address = DEFAULT_ADDRESS.parse().unwrap();
            welcome(Path::new(".keylease"), (None, URL), address, None, env_file)
        };
        assert!(
            at(true).contains("\nkeylease keys import .env --token-file .keylease/admin.token\n")
        );
        assert!(
            at(false).contains("| keylease keys import - --token-file .keylease/admin.token\n")
        );
    }

    #[test]
    fn a_token_is_no_argument_of_any_process() {
        let address = DEFAULT_ADDRESS.parse().unwrap();
        let text = welcome(Path::new(".keylease"), (None, URL), address, None, true);
        let line = text.lines().find(|line| line.contains("grpcurl")).unwrap();
        let (environment, arguments) = line.split_once(" grpcurl ").unwrap();
        assert_eq!(
            environment,
            "KEYLEASE_TOKEN=\"$(cat .keylease/lessee.token)\""
        );
        assert!(
            !arguments.contains("cat") && arguments.contains("-expand-headers"),
            "{arguments}"
        );
        assert!(
            arguments.contains("'authorization: Bearer ${KEYLEASE_TOKEN}'"),
            "{arguments}"
        );
    }

    #[test]
    fn a_folder_with_a_space_is_quoted() {
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
