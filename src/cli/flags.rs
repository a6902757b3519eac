//! Flags that several verbs share, and the parsers of their values.

use clap::Args;
use prost_types::Timestamp;

use super::failure::Failure;
use super::field_flags;
use super::{output, words};

/// What every change takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Every change")]
pub(crate) struct ChangeArgs {
    /// Why, for the audit; at most 512 bytes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) reason: String,
    /// Makes a repetition within 24 hours harmless; 1 to 128 bytes
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) request_id: String,
    /// Let the server check everything and change nothing
    #[arg(long)]
    pub(crate) validate_only: bool,
}

/// One resource, to be read.
#[derive(Debug, Args)]
pub(crate) struct NamedArgs {
    /// Its name, short (openai; for keys and limits openai/main) or full (accounts/openai/keys/main)
    pub(crate) name: String,
}

/// What a deletion or an enabling takes.
#[derive(Debug, Args)]
pub(crate) struct NamedChangeArgs {
    /// Its name, short (openai; for keys and limits openai/main) or full (accounts/openai/keys/main)
    pub(crate) name: String,
    /// Refuse if it has changed since this etag was read
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) etag: String,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// What a disabling takes.
#[derive(Debug, Args)]
pub(crate) struct DisableArgs {
    /// Its name, short (openai; for keys openai/main) or full (accounts/openai/keys/main)
    pub(crate) name: String,
    /// Why: shown to whoever is refused because of it, and written into the audit unless --reason says something else there; 1 to 512 bytes
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,
    /// Enable it again by itself after this time, such as 30m or 2days
    #[arg(long = "for", value_name = "DURATION", value_parser = from_now, conflicts_with = "until")]
    pub(crate) lasting: Option<Timestamp>,
    /// Enable it again by itself at this time (RFC 3339, such as 2026-01-31T18:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Refuse if it has changed since this etag was read
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) etag: String,
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

impl DisableArgs {
    pub(crate) fn end(&self) -> Option<Timestamp> {
        self.until.or(self.lasting)
    }

    /// For the audit: what is shown to the refused, unless something else was to be written there.
    pub(crate) fn audit_reason(&self) -> String {
        if self.change.reason.is_empty() {
            self.why.clone()
        } else {
            self.change.reason.clone()
        }
    }
}

/// Fills one of the requests that differ by type alone: name, etag and what every change takes.
macro_rules! named_change {
    ($request:ident, $name:expr, $args:expr) => {
        $crate::proto::$request {
            name: $name,
            etag: $args.etag,
            request_id: $args.change.request_id,
            validate_only: $args.change.validate_only,
            reason: $args.change.reason,
        }
    };
}
pub(crate) use named_change;

/// Fills a request to disable something.
macro_rules! disable_request {
    ($request:ident, $name:expr, $args:expr) => {{
        let until = $args.end();
        let reason = $args.audit_reason();
        $crate::proto::$request {
            name: $name,
            why: $args.why,
            until,
            etag: $args.etag,
            request_id: $args.change.request_id,
            validate_only: $args.change.validate_only,
            reason,
        }
    }};
}
pub(crate) use disable_request;

/// Says on stderr that nothing was changed, where only a check was asked for.
pub(crate) fn say_validated(validate_only: bool) {
    if validate_only {
        output::remark("checked by the server; nothing was changed");
    }
}

/// Says on stderr what the server has stored and does not act on yet.
pub(crate) fn say_unsupported(fields: &[String]) {
    if !fields.is_empty() {
        let fields: Vec<_> = fields
            .iter()
            .map(|field| field_flags::named(field))
            .collect();
        let fields = fields.join(", ");
        output::remark(&format!(
            "stored and not acted on, since not built yet: {fields}"
        ));
    }
}

/// Refuses to remove what is not there, which is a slip of the pen that would go unseen.
pub(crate) fn refuse_absent(
    flag: &str,
    wanted: &str,
    there: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let there: Vec<String> = there.collect();
    if there.iter().any(|known| known == wanted) {
        return Ok(());
    }
    let there = if there.is_empty() {
        "there is none".to_owned()
    } else {
        format!("there is {}", there.join(", "))
    };
    Err(Failure::Usage(format!(
        "{flag} {wanted}: not there, so that nothing was changed; {there}"
    )))
}

/// What to say once something is deleted.
pub(crate) fn deleted(name: &str, validate_only: bool) -> String {
    if validate_only {
        format!("{name} can be deleted; nothing was changed")
    } else {
        format!("deleted {name}")
    }
}

/// The mask for an update, which has to name something.
pub(crate) fn mask(paths: Vec<&str>) -> Result<Option<prost_types::FieldMask>, Failure> {
    if paths.is_empty() {
        return Err(Failure::Usage(
            "nothing to change: give at least one field, or --clear FIELD".into(),
        ));
    }
    let mut paths: Vec<String> = paths.into_iter().map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(Some(prost_types::FieldMask { paths }))
}

/// Reads "30s", "5m", "1h 30m", "7days".
pub(crate) fn duration(text: &str) -> Result<prost_types::Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; give a number and a unit, such as 30s, 5m or 24h"))?;
    prost_types::Duration::try_from(duration).map_err(|error| error.to_string())
}

/// Reads an RFC 3339 time.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "not a time; give RFC 3339, such as 2026-01-31T18:00:00Z".to_owned())
}

/// Reads a duration and adds it to this machine's clock.
pub(crate) fn from_now(text: &str) -> Result<Timestamp, String> {
    let ahead = duration(text)?;
    let now = words::now();
    let seconds = now.seconds.saturating_add(ahead.seconds);
    Ok(Timestamp {
        seconds,
        nanos: now.nanos,
    })
}

/// Reads "KEY=VALUE"; the value may hold more of '='.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("not KEY=VALUE".to_owned()),
    }
}

/// Adds pairs to a map, the later one winning.
pub(crate) fn extend(map: &mut impl Extend<(String, String)>, pairs: &[(String, String)]) {
    map.extend(pairs.iter().cloned());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_units_only() {
        assert_eq!(duration("1h 30m").unwrap().seconds, 5_400);
        assert_eq!(duration("1500ms").unwrap().nanos, 500_000_000);
        assert!(duration("30").unwrap_err().contains("30s"));
        assert!(duration("-1s").is_err());
    }

    #[test]
    fn pairs_need_a_key_and_keep_every_sign_of_the_value() {
        assert_eq!(pair("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert_eq!(pair("a=").unwrap(), ("a".into(), String::new()));
        assert!(pair("=b").is_err());
        assert!(pair("ab").is_err());
    }

    #[test]
    fn an_update_without_a_field_is_refused() {
        assert!(mask(vec![]).is_err());
        let mask = mask(vec!["labels", "base_url", "labels"]).unwrap().unwrap();
        assert_eq!(mask.paths, ["base_url", "labels"]);
    }
}
