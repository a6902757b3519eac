//! The database's URL. It may hold a password, so no message repeats any of it.

use std::{fmt, str::FromStr};

use sqlx::postgres::PgConnectOptions;

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

/// Where the database is and how to log in.
#[derive(Clone)]
pub struct DatabaseUrl(PgConnectOptions);

impl DatabaseUrl {
    /// Parses the value of KEYLEASE_DATABASE_URL.
    ///
    /// # Errors
    /// Says what is wrong without repeating the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "KEYLEASE_DATABASE_URL {what}: write it like postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full, with the \
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
        Ok(Self::from_options(options.application_name("keylease")))
    }

    /// Of options made otherwise.
    pub fn from_options(options: PgConnectOptions) -> Self {
        Self(options)
    }

    /// What sqlx connects with.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.0.clone()
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
            .0
            .get_database()
            .unwrap_or_else(|| self.0.get_username());
        match self.0.get_socket() {
            Some(socket) => write!(f, "database {database} at {}", socket.display()),
            None => write!(
                f,
                "database {database} at {}:{}",
                self.0.get_host(),
                self.0.get_port()
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
            let problem = DatabaseUrl::parse(url).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
            assert!(problem.starts_with("KEYLEASE_DATABASE_URL"), "{problem}");
        }
    }

    #[test]
    fn a_misspelt_parameter_is_refused_by_name() {
        let problem = DatabaseUrl::parse("postgres://h/d?ssl_mode=require").unwrap_err();
        assert!(problem.contains("\"ssl_mode\""), "{problem}");
    }

    #[test]
    fn it_prints_where_and_never_how() {
        let url = DatabaseUrl::parse("postgres://user:hunter2@db:5433/vault").unwrap();
        assert_eq!(url.to_string(), "database vault at db:5433");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(redacted)");
    }
}
