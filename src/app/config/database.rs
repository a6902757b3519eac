//! The database's URL. It may hold a password, so no message repeats any of it.

use std::{fmt, path::Path, str::FromStr};

use sqlx::postgres::PgConnectOptions;

use super::{
    arguments::UrlArguments,
    problems::{given, given_path},
    secret_file,
};

/// What sqlx understands after the `?`. It ignores anything else, so a misspelt `sslmode` would connect in plaintext.
const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

const URL: &str = "KEYLEASE_DATABASE_URL";
const URL_FILE: &str = "KEYLEASE_DATABASE_URL_FILE";

/// Where the database is and how to log in.
#[derive(Clone)]
pub struct DatabaseUrl {
    options: PgConnectOptions,
    named_by: &'static str,
}

/// The database, which must be named, by one of two variables.
pub(super) fn parse(
    arguments: &UrlArguments,
    warnings: &mut Vec<String>,
) -> Result<DatabaseUrl, String> {
    let path = given_path(arguments.database_url_file.as_ref());
    match (given(arguments.database_url.as_ref()), path) {
        (Some(url), None) => DatabaseUrl::parse(URL, url),
        (None, Some(path)) => of_file(&path, warnings),
        (Some(_), Some(_)) => Err(format!(
            "{URL} and {URL_FILE} are both set, and the database has one URL: unset one of them"
        )),
        (None, None) => Err(format!(
            "{URL} is not set: give the URL of a Postgres database, or a file that holds it by {URL_FILE}, or use `keylease dev`, \
             which brings its own"
        )),
    }
}

fn of_file(path: &Path, warnings: &mut Vec<String>) -> Result<DatabaseUrl, String> {
    let text = secret_file::read(URL_FILE, path, warnings)?;
    let shown = path.display();
    let text = std::str::from_utf8(text.expose())
        .map_err(|_| format!("{URL_FILE} names {shown}, which is not text"))?;
    // Editors end a file with a line end, which no URL has.
    match text.trim() {
        "" => Err(format!(
            "{URL_FILE} names {shown}, which is empty: write the URL of a Postgres database into it"
        )),
        url => DatabaseUrl::parse(URL_FILE, url)
            .map_err(|problem| format!("{problem} (read from {shown})")),
    }
}

impl DatabaseUrl {
    /// Parses what the variable `named_by` gives.
    ///
    /// # Errors
    /// Says what is wrong without repeating the URL.
    pub fn parse(named_by: &'static str, text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "{named_by} {what}: write it like postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full, with the \
                 password percent-encoded"
            )
        };
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(wrong("does not begin with postgres://"));
        }
        if let Some(unknown) = unknown_parameter(text) {
            return Err(wrong(&format!(
                "has a parameter {unknown:?}, which is none of {}",
                PARAMETERS.join(", ")
            )));
        }
        let options = PgConnectOptions::from_str(text)
            .map_err(|_| wrong("is no URL of a Postgres database"))?;
        Ok(Self {
            options: options.application_name("keylease"),
            named_by,
        })
    }

    /// Of options made otherwise.
    pub fn from_options(options: PgConnectOptions) -> Self {
        Self {
            options,
            named_by: "this machine",
        }
    }

    /// The variable that names it, for whoever has to mend it.
    pub const fn named_by(&self) -> &'static str {
        self.named_by
    }

    /// What sqlx connects with.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(redacted)")
    }
}

/// For logs: host, port and database, and never the user's password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self
            .options
            .get_database()
            .unwrap_or_else(|| self.options.get_username());
        match self.options.get_socket() {
            Some(socket) => write!(f, "database {database} at {}", socket.display()),
            None => write!(
                f,
                "database {database} at {}:{}",
                self.options.get_host(),
                self.options.get_port()
            ),
        }
    }
}

/// The name of a parameter that would be ignored. A name alone, since its value may be a secret; a name that does not look like one is
/// cut off, since a password with a bare `?` in it lands here.
fn unknown_parameter(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let names = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split('=').next().unwrap_or_default());
    let known = |name: &str| {
        PARAMETERS.contains(&name) || name == "options" || name.starts_with("options[")
    };
    let unknown = names.into_iter().find(|name| !known(name))?;
    let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '-';
    Some(
        if url.contains('@') && query.contains('@') || !unknown.chars().all(plain) {
            "…"
        } else {
            unknown
        },
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf};

    use super::*;

    #[test]
    fn no_message_repeats_a_password() {
        for url in [
            "mysql://u:hunter2@h/d",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h/d?sslmode=hunter2",
            "postgres://u:p@h/d?pasword=hunter2",
            "postgres://u:p?hunter2@h/d",
            "hunter2",
        ] {
            let problem = DatabaseUrl::parse(URL, url).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
            assert!(problem.starts_with("KEYLEASE_DATABASE_URL"), "{problem}");
        }
    }

    #[test]
    fn a_misspelt_parameter_is_refused_by_name() {
        let problem = DatabaseUrl::parse(URL, "postgres://h/d?ssl_mode=require").unwrap_err();
        assert!(problem.contains("\"ssl_mode\""), "{problem}");
    }

    #[test]
    fn it_prints_where_and_never_how() {
        let url = DatabaseUrl::parse(URL, "postgres://user:hunter2@db:5433/vault").unwrap();
        assert_eq!(url.to_string(), "database vault at db:5433");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(redacted)");
    }

    fn of(url: Option<&str>, file: Option<&Path>) -> Result<DatabaseUrl, String> {
        let arguments = UrlArguments {
            database_url: url.map(str::to_owned),
            database_url_file: file.map(Path::to_owned),
        };
        parse(&arguments, &mut Vec::new())
    }

    /// A file for its owner alone.
    fn file(text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("keylease-url-{}", uuid::Uuid::new_v4()));
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path
    }

    #[test]
    fn a_file_holds_the_url_and_its_line_end_is_not_part_of_it() {
        let path = file("postgres://u:hunter2@db/vault\n");
        let url = of(None, Some(&path)).unwrap();
        assert_eq!(url.to_string(), "database vault at db:5432");
        assert_eq!(url.named_by(), URL_FILE);
        assert!(
            of(Some(" "), Some(&path)).is_ok(),
            "set to nothing is not set"
        );
        let both = of(Some("postgres://db/vault"), Some(&path)).unwrap_err();
        assert!(
            both.starts_with("KEYLEASE_DATABASE_URL and KEYLEASE_DATABASE_URL_FILE are both set"),
            "{both}"
        );
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_is_missing_empty_or_no_url_is_named_and_not_repeated() {
        let gone = of(None, Some(Path::new("/nowhere/url"))).unwrap_err();
        assert!(
            gone.starts_with("KEYLEASE_DATABASE_URL_FILE names /nowhere/url, which can't be read"),
            "{gone}"
        );
        for (text, what) in [
            ("\n", "which is empty"),
            ("mysql://u:hunter2@h/d", "does not begin with postgres://"),
        ] {
            let path = file(text);
            let problem = of(None, Some(&path)).unwrap_err();
            assert!(problem.contains(what), "{problem}");
            assert!(problem.contains(path.to_str().unwrap()), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
            fs::remove_file(path).unwrap();
        }
        let neither = of(None, None).unwrap_err();
        assert!(
            neither.contains(URL) && neither.contains(URL_FILE),
            "{neither}"
        );
    }
}
