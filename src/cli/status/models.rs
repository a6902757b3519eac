//! Models that cool down while the rest of their account or key does not: a line for each account or version.

use prost_types::Timestamp;

use crate::cli::{names, table, words};
use crate::proto::ModelCooldown;

/// What one line has room for; the rest is counted.
const LINE_MAX: usize = 8;

/// `openai: models cooling: gpt-4o for 23 h (quota), gpt-5 for 12 s (429)`.
pub(super) fn remarks(models: &[ModelCooldown], now: &Timestamp, width: usize) -> Option<String> {
    let by_name = models.chunk_by(|a, b| a.name == b.name);
    let lines: Vec<String> = by_name
        .map(|models| table::wrapped(&line(models, now), width, 2))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn line(models: &[ModelCooldown], now: &Timestamp) -> String {
    let name = models.first().map_or("", |model| model.name.as_str());
    let mut told: Vec<String> = models
        .iter()
        .take(LINE_MAX)
        .map(|model| one(model, now))
        .collect();
    if models.len() > LINE_MAX {
        told.push(format!("{} more", models.len() - LINE_MAX));
    }
    format!("{}: models cooling: {}", short(name), told.join(", "))
}

fn one(model: &ModelCooldown, now: &Timestamp) -> String {
    let cooldown = model.cooldown.clone().unwrap_or_default();
    let left = super::keys::for_time(cooldown.until.as_ref(), now);
    let model = words::printable(&cooldown.model);
    format!("{model}{left} ({})", words::printable(&cooldown.why))
}

/// `accounts/openai/keys/main/versions/2` is `openai/main version 2` here.
fn short(name: &str) -> String {
    let (parent, id) = names::split(name);
    let Some((account, key)) = parent.split_once("/keys/") else {
        return id.to_owned();
    };
    let account = account.strip_prefix("accounts/").unwrap_or(account);
    format!("{account}/{key} version {id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Cooldown;

    const NOW: Timestamp = Timestamp {
        seconds: 1_700_000_000,
        nanos: 0,
    };

    fn cooling(name: &str, model: &str, seconds: i64) -> ModelCooldown {
        ModelCooldown {
            name: name.into(),
            cooldown: Some(Cooldown {
                model: model.into(),
                until: Some(Timestamp {
                    seconds: NOW.seconds + seconds,
                    nanos: 0,
                }),
                why: "429".into(),
                ..Cooldown::default()
            }),
        }
    }

    #[test]
    fn each_account_and_version_says_which_models_cool_and_how_long() {
        let of_key = "accounts/openai/keys/main/versions/2";
        let models = [
            cooling("accounts/openai", "gpt-4o", 86_340),
            cooling("accounts/openai", "gpt-5", 12),
            cooling(of_key, "o3", 180),
        ];
        assert_eq!(
            remarks(&models, &NOW, 100).unwrap(),
            "openai: models cooling: gpt-4o for 23 h 59 m (429), gpt-5 for 12 s (429)\n\
             openai/main version 2: models cooling: o3 for 3 m (429)"
        );
        assert_eq!(remarks(&[], &NOW, 100), None);
    }

    #[test]
    fn of_many_models_of_one_account_the_first_are_named_and_the_rest_counted() {
        let model = |n: i64| cooling("accounts/a", &format!("m{n}"), 60);
        let models: Vec<_> = (0..11).map(model).collect();
        let told = remarks(&models, &NOW, 1_000).unwrap();
        assert!(told.contains("m7 for 1 m (429), 3 more"), "{told}");
        assert!(!told.contains("m8"), "{told}");
    }
}
