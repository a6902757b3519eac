//! Tests of `database.rs`.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt};

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
