//! The variables of one prefix together: its main key, its backups and its base URL.

use std::collections::BTreeMap;

use super::dotenv::Assignment;
use super::plan::{Options, PlannedAccount, PlannedKey, PlannedPool, Problem};
use super::values::{self, BaseUrl};
use super::variables::account_id;
use crate::cli::names;

/// What a file says of one prefix. Key 0 is the main one.
#[derive(Debug, Default)]
pub(super) struct Provider {
    pub(super) keys: BTreeMap<u32, Assignment>,
    pub(super) base_url: Option<Assignment>,
}

/// What is planned for one prefix, and what a person should know.
#[derive(Debug, Default)]
pub(super) struct ProviderPlan {
    pub(super) accounts: Vec<PlannedAccount>,
    pub(super) pools: Vec<PlannedPool>,
    pub(super) notes: Vec<String>,
}

/// The profile of a prefix that is built in.
fn profile(prefix: &str) -> Option<&'static str> {
    match prefix {
        "OPENAI" => Some("openai"),
        "ANTHROPIC" => Some("anthropic"),
        "GEMINI" | "GOOGLE" => Some("gemini"),
        "STRIPE" => Some("stripe"),
        _ => None,
    }
}

impl Provider {
    /// Plans the accounts and the pool of this prefix.
    pub(super) fn plan(
        &self,
        prefix: &str,
        options: &Options,
    ) -> Result<ProviderPlan, Vec<Problem>> {
        let mut problems = self.missing(prefix);
        let base_url = self.base_url(prefix, options).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        if !problems.is_empty() {
            return Err(problems);
        }
        let profile = profile(prefix).unwrap_or("generic");
        let id = account_id(prefix);
        Ok(ProviderPlan {
            accounts: self.accounts(&id, profile, base_url.as_ref(), options.account_per_key),
            pools: vec![self.pool(&id, options.account_per_key)],
            notes: self.notes(prefix, &id, profile, options),
        })
    }

    /// What has to be there and is not.
    fn missing(&self, prefix: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let first = self.keys.values().next().or(self.base_url.as_ref());
        let line = first.map_or(0, |assignment| assignment.line);
        let main = self.keys.contains_key(&0);
        if !main {
            let what = if self.keys.is_empty() {
                "a base URL"
            } else {
                "a backup"
            };
            problems.push(Problem::at(
                line,
                format!(
                    "{prefix} has {what} but no key: give {prefix}_API_KEY, or remove the line"
                ),
            ));
        }
        if main && profile(prefix).is_none() && self.base_url.is_none() {
            problems.push(Problem::at(
                line,
                format!(
                    "{prefix} is no built-in provider: give {prefix}_BASE_URL, or leave it out with --only"
                ),
            ));
        }
        if !names::is_id(&account_id(prefix)) {
            problems.push(Problem::at(
                line,
                "the name is too long: what stands before _API_KEY becomes an account of at most 63 characters",
            ));
        }
        problems
    }

    fn base_url(&self, prefix: &str, options: &Options) -> Result<Option<BaseUrl>, Problem> {
        let Some(assignment) = &self.base_url else {
            return Ok(None);
        };
        let read = values::base_url(assignment.value.expose(), options.allow_http);
        let refused = |why| Problem::at(assignment.line, format!("{prefix}_BASE_URL {why}"));
        read.map(Some).map_err(refused)
    }

    fn accounts(
        &self,
        id: &str,
        profile: &'static str,
        base_url: Option<&BaseUrl>,
        account_per_key: bool,
    ) -> Vec<PlannedAccount> {
        let at = self.base_url.as_ref().map(|at| (at.line, at.name.clone()));
        let account = |id: String, keys| PlannedAccount {
            id,
            profile,
            base_url: base_url.cloned(),
            base_url_at: at.clone(),
            keys,
        };
        let key = |(number, assignment): (&u32, &Assignment)| PlannedKey {
            id: if account_per_key {
                key_id(0)
            } else {
                key_id(*number)
            },
            line: assignment.line,
            variable: assignment.name.clone(),
            secret: assignment.value.clone(),
        };
        if account_per_key {
            let of = |(number, a): (&u32, &Assignment)| {
                account(own_account_id(id, *number), vec![key((number, a))])
            };
            self.keys.iter().map(of).collect()
        } else {
            vec![account(id.to_owned(), self.keys.iter().map(key).collect())]
        }
    }

    /// The main key first, backups when it cannot serve.
    fn pool(&self, id: &str, account_per_key: bool) -> PlannedPool {
        let member = |number: &u32| {
            let target = if account_per_key {
                format!(
                    "accounts/{}/keys/{}",
                    own_account_id(id, *number),
                    key_id(0)
                )
            } else {
                format!("accounts/{id}/keys/{}", key_id(*number))
            };
            (target, if *number == 0 { 1 } else { 2 })
        };
        PlannedPool {
            id: id.to_owned(),
            members: self.keys.keys().map(member).collect(),
        }
    }

    fn notes(&self, prefix: &str, id: &str, profile: &str, options: &Options) -> Vec<String> {
        let mut notes = Vec::new();
        if profile == "generic" {
            notes.push(format!(
                "{id}: keys are sent as \"authorization: Bearer KEY\"; another way: keylease accounts update {id} --credential-header …"
            ));
        }
        if self.keys.len() > 1 && !options.account_per_key {
            notes.push(format!(
                "{id}: its {} keys share one budget; where the provider counts each by itself, use --account-per-key",
                self.keys.len()
            ));
        }
        let last = self.keys.keys().last().copied().unwrap_or(0);
        let gaps = (1..last)
            .filter(|number| !self.keys.contains_key(number))
            .count();
        if gaps > 0 {
            notes.push(format!(
                "{prefix}_API_KEY_BACKUP_1 to _{last}: {gaps} missing; the others keep their numbers"
            ));
        }
        notes
    }
}

fn key_id(number: u32) -> String {
    match number {
        0 => "main".into(),
        number => format!("backup-{number}"),
    }
}

fn own_account_id(id: &str, number: u32) -> String {
    match number {
        0 => id.to_owned(),
        number => format!("{id}-backup-{number}"),
    }
}
