//! Where in the file each part of the call stands. The server speaks of fields, which whoever wrote the file has never seen.

use std::borrow::Cow;

use tonic::Status;
use tonic_types::StatusExt as _;

use super::plan::Plan;
use crate::cli::failure::Failure;
use crate::proto::ErrorReason;

/// The lines of a plan, by their place in the call; no secret.
#[derive(Debug, Default)]
pub(super) struct Places {
    file: String,
    accounts: Vec<AccountPlaces>,
    pools: Vec<String>,
}

#[derive(Debug)]
struct AccountPlaces {
    id: String,
    /// The line of its base URL, or of its first key.
    own: String,
    keys: Vec<String>,
}

impl Places {
    pub(super) fn of(file: &str, plan: &Plan) -> Self {
        let line = |line: usize, variable: &str| format!("{file} line {line}, {variable}");
        let accounts = plan.accounts.iter().map(|account| {
            let keys = account.keys.iter().map(|key| line(key.line, &key.variable));
            let keys: Vec<String> = keys.collect();
            let own = account
                .base_url_at
                .as_ref()
                .map(|(number, name)| line(*number, name));
            AccountPlaces {
                id: account.id.clone(),
                own: own.or_else(|| keys.first().cloned()).unwrap_or_default(),
                keys,
            }
        });
        Self {
            file: file.to_owned(),
            accounts: accounts.collect(),
            pools: plan.pools.iter().map(|pool| pool.id.clone()).collect(),
        }
    }

    /// A refusal in words of the file: its lines in place of fields, and what can be done to them.
    pub(super) fn refusal(&self, status: &Status) -> Failure {
        let mut details = status.get_error_details();
        let violations = details
            .bad_request()
            .map(|bad| bad.field_violations.clone());
        let mut violations = violations.unwrap_or_default();
        let mut message = status.message().to_owned();
        for violation in &mut violations {
            let place = self.place(&violation.field).into_owned();
            message = message.replace(&violation.field, &place);
            violation.description = violation.description.replace(&violation.field, &place);
            violation.field = place;
        }
        let remedy = details
            .error_info()
            .and_then(|info| self.remedy(&info.reason));
        if let Some(remedy) = remedy {
            message = format!("{message}; {remedy}");
        }
        if !violations.is_empty() {
            details.set_bad_request(violations);
        }
        Status::with_error_details(status.code(), message, details).into()
    }

    /// A field of the call as a place in the file; as it is where it has none.
    fn place<'a>(&self, field: &'a str) -> Cow<'a, str> {
        self.find(field).map_or(Cow::Borrowed(field), Cow::Owned)
    }

    fn find(&self, field: &str) -> Option<String> {
        if let Some((pool, rest)) = indexed(field, "pools[") {
            let variable = match rest {
                rest if rest.contains("rotation_policy") => "KEY_ROTATION_INTERVAL_HOURS",
                rest if rest.contains("health_policy") => "KEY_HEALTH_CHECK_ENABLED",
                _ => return Some(format!("{}, pool {}", self.file, self.pools.get(pool)?)),
            };
            return Some(format!("{}, {variable}", self.file));
        }
        let (account, rest) = indexed(field, "accounts[")?;
        let account = self.accounts.get(account)?;
        if let Some((key, _)) = indexed(rest, ".keys[") {
            return account.keys.get(key).cloned();
        }
        if rest.starts_with(".limits[") {
            return Some(format!("{}, RATE_LIMIT_PER_MINUTE", self.file));
        }
        Some(account.own.clone())
    }

    /// What is to be done where the call is right and the vault has such things already: a file has no ids that could be changed.
    fn remedy(&self, reason: &str) -> Option<String> {
        let exists = [ErrorReason::ResourceExists, ErrorReason::StateForbids];
        let is_one = |known: &ErrorReason| known.as_str_name().ends_with(reason);
        if reason.is_empty() || !exists.iter().any(is_one) {
            return None;
        }
        let account = self
            .accounts
            .first()
            .map_or("openai", |account| &account.id);
        Some(format!(
            "nothing was imported: remove from {} the lines of what is stored already, or name the accounts to import by --only; \
             a new secret of a key that is there goes in with `keylease keys rotate {account}/main`",
            self.file
        ))
    }
}

/// `accounts[3].keys` with `accounts[` is 3 and `.keys`.
fn indexed<'a>(field: &'a str, start: &str) -> Option<(usize, &'a str)> {
    let (index, rest) = field.strip_prefix(start)?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::super::plan::{self, Options};
    use super::*;

    #[test]
    fn fields_become_lines_and_variables_of_the_file() {
        let text = "# keys\nOPENAI_API_KEY=sk-1\nOPENAI_API_KEY_BACKUP_1=sk-2\nFOO_API_KEY=sk-3\n\
            FOO_BASE_URL=https://foo.example.com\nRATE_LIMIT_PER_MINUTE=60\n";
        let plan = plan::read(text.as_bytes(), &Options::default()).unwrap();
        let places = Places::of(".env", &plan);
        for (field, place) in [
            ("accounts[0].account.base_url", ".env line 5, FOO_BASE_URL"),
            ("accounts[0].keys[0].secret", ".env line 4, FOO_API_KEY"),
            (
                "accounts[1].keys[1].secret.value",
                ".env line 3, OPENAI_API_KEY_BACKUP_1",
            ),
            ("accounts[1].account_id", ".env line 2, OPENAI_API_KEY"),
            (
                "accounts[1].limits[0].limit.amount",
                ".env, RATE_LIMIT_PER_MINUTE",
            ),
            (
                "pools[0].pool.rotation_policy.interval",
                ".env, KEY_ROTATION_INTERVAL_HOURS",
            ),
            ("pools[1].pool_id", ".env, pool openai"),
            ("request_id", "request_id"),
            ("accounts[9].keys[0]", "accounts[9].keys[0]"),
        ] {
            assert_eq!(places.place(field), place, "{field}");
        }
    }
}
