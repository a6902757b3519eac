//! The database's URL. It may hold a password, so no message repeats any of it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use sqlx::postgres::PgConnectOptions;

use super::{
    flag_values::path_or_empty,
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

/// The database's URL: exactly one of these.
#[derive(Debug, Clone, Default, Args)]
pub struct UrlArguments {
    /// URL of the Postgres database. `migrate` must own it, all else needs it migrated. Prefer the variable: a flag's password is visible
    /// to every process of the machine. Beyond this machine add `sslmode=verify-full`.
    /// Example: postgres://keylease:PASSWORD@db.internal/keylease?sslmode=verify-full
    #[arg(
        long,
        env = "KEYLEASE_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
    /// File with that URL, such as a mounted secret. One of the two is required.
    #[arg(long, env = "KEYLEASE_DATABASE_URL_FILE", value_parser = path_or_empty(), value_name = "PATH")]
    pub database_url_file: Option<PathBuf>,
}

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
mod tests;
