//! From the text of an `.env` file to what will be stored, or to everything that is wrong with it. Pure.

use std::collections::{BTreeMap, HashMap};

use super::dotenv::{self, Assignment};
use super::likeness::looks_like_key;
use super::providers::Provider;
use super::values::{self, BaseUrl};
use super::variables::{Variable, account_id, is_tellable};
use crate::cli::secret::SecretText;

mod planned;
#[cfg(test)]
mod tests;

pub(super) use planned::{Options, Plan, PlannedAccount, PlannedKey, PlannedPool, Policy, Problem};

/// Accounts, and pools, in one import, by the contract.
const ACCOUNTS_MAX: usize = 100;
/// Keys in one import, by the contract.
const KEYS_MAX: usize = 1_000;

/// Reads a file as a whole: a plan, or every problem in order of lines.
pub(super) fn read(bytes: &[u8], options: &Options) -> Result<Plan, Vec<Problem>> {
    let (assignments, problems) = dotenv::parse(bytes);
    let mut reader = Reader::new(options);
    reader.problems = problems;
    for assignment in assignments {
        reader.take(assignment);
    }
    reader.finish()
}

/// A variable by its name, or by its line where the name may be a secret.
fn told(assignment: &Assignment) -> String {
    if is_tellable(&assignment.name) {
        assignment.name.clone()
    } else {
        format!("line {}", assignment.line)
    }
}

/// What has been read so far.
struct Reader<'a> {
    options: &'a Options,
    providers: BTreeMap<String, Provider>,
    lines: HashMap<String, usize>,
    /// The line of each key's value, to find one that stands there twice.
    values: Vec<(SecretText, usize)>,
    plan: Plan,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            providers: BTreeMap::new(),
            lines: HashMap::new(),
            values: Vec::new(),
            plan: Plan::default(),
            problems: Vec::new(),
        }
    }

    fn take(&mut self, assignment: Assignment) {
        let name = assignment.name.clone();
        match Variable::of(&name) {
            Variable::Other if looks_like_key(&name, &assignment.value) => {
                self.plan.keys_unread.push(told(&assignment));
            }
            Variable::Other => self.plan.ignored.push(told(&assignment)),
            Variable::Key { prefix, .. } if !self.wants(prefix) => {
                self.plan.keys_unasked.push(told(&assignment));
            }
            Variable::BaseUrl { prefix } if !self.wants(prefix) => {
                self.plan.ignored.push(told(&assignment));
            }
            _ if self.is_repeated(&assignment) => {}
            Variable::UnnumberedBackup => {
                self.refuse(&assignment, "needs a number from 1, as in _BACKUP_1")
            }
            Variable::Key { prefix, backup } => self.key(prefix, backup, assignment),
            Variable::BaseUrl { prefix } => self.provider(prefix).base_url = Some(assignment),
            Variable::RotationHours => {
                self.plan.policy.rotation_hours = self.read(&assignment, values::rotation_hours)
            }
            Variable::HealthCheck => {
                self.plan.policy.probe = self.read(&assignment, values::switch)
            }
            Variable::RatePerMinute => {
                self.plan.policy.requests_per_minute =
                    self.read(&assignment, values::requests_per_minute);
            }
        }
    }

    fn wants(&self, prefix: &str) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&account_id(prefix))
    }

    /// Whether the variable was set before, which is a problem.
    fn is_repeated(&mut self, assignment: &Assignment) -> bool {
        let first = *self
            .lines
            .entry(assignment.name.clone())
            .or_insert(assignment.line);
        if first == assignment.line {
            return false;
        }
        self.refuse(assignment, &format!("is set on line {first} already"));
        true
    }

    fn key(&mut self, prefix: &str, backup: u32, assignment: Assignment) {
        if let Err(why) = values::check_key(assignment.value.expose()) {
            self.refuse(&assignment, why);
        } else if let Some(line) = self.line_of(&assignment.value) {
            self.refuse(
                &assignment,
                &format!("has the same value as line {line}: one key, one line"),
            );
        } else {
            self.values
                .push((assignment.value.clone(), assignment.line));
        }
        // Kept even if refused, so that the rest is not said to lack it.
        self.provider(prefix).keys.insert(backup, assignment);
    }

    fn line_of(&self, value: &SecretText) -> Option<usize> {
        let same = |(other, line): &(SecretText, usize)| (other == value).then_some(*line);
        self.values.iter().find_map(same)
    }

    fn provider(&mut self, prefix: &str) -> &mut Provider {
        self.providers.entry(prefix.to_owned()).or_default()
    }

    fn read<T>(
        &mut self,
        assignment: &Assignment,
        parse: fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match parse(assignment.value.expose()) {
            Ok(value) => Some(value),
            Err(why) => {
                self.refuse(assignment, why);
                None
            }
        }
    }

    fn refuse(&mut self, assignment: &Assignment, why: &str) {
        let message = format!("{} {why}", assignment.name);
        self.problems.push(Problem::at(assignment.line, message));
    }

    fn finish(mut self) -> Result<Plan, Vec<Problem>> {
        for (prefix, provider) in &self.providers {
            match provider.plan(prefix, self.options) {
                Ok(planned) => {
                    self.plan.accounts.extend(planned.accounts);
                    self.plan.pools.extend(planned.pools);
                    self.plan.notes.extend(planned.notes);
                }
                Err(problems) => self.problems.extend(problems),
            }
        }
        self.check_whole();
        if !self.problems.is_empty() {
            self.problems.sort_by_key(|problem| problem.line);
            return Err(self.problems);
        }
        if self.plan.policy.probe == Some(true) {
            let note = "the pools' keys are probed, except those of the profile generic: nobody has said what is harmless to ask their providers";
            self.plan.notes.push(note.into());
        }
        Ok(self.plan)
    }

    /// What can be done depends on what there is too much of: one account's keys are not parted by --only.
    fn too_many(&self, keys: usize) -> String {
        let accounts = self.plan.accounts.len();
        let most = self.providers.values().map(|provider| provider.keys.len());
        let most = most.max().unwrap_or(0);
        let bound = format!(
            "{accounts} accounts with {keys} keys, and one import takes {ACCOUNTS_MAX} and {KEYS_MAX}"
        );
        let taken_apart = self.options.account_per_key && most > ACCOUNTS_MAX;
        if most > KEYS_MAX || taken_apart {
            return format!(
                "{bound}; one prefix has {most} keys, which --only cannot part: import the first of its lines from a file of their \
                 own, then add each other key with `keylease keys create ACCOUNT/KEY --secret-file FILE` and \
                 `keylease pools update POOL --member ACCOUNT/KEY:tier=2`"
            );
        }
        format!("{bound}: import in parts, with --only")
    }

    /// Bounds of one import, and accounts that two prefixes would share.
    fn check_whole(&mut self) {
        let keys: usize = self.plan.accounts.iter().map(|a| a.keys.len()).sum();
        if self.providers.is_empty() {
            let why = "no X_API_KEY to import, such as OPENAI_API_KEY";
            self.problems.push(Problem::at(0, why));
        }
        if self.plan.accounts.len() > ACCOUNTS_MAX || keys > KEYS_MAX {
            self.problems.push(Problem::at(0, self.too_many(keys)));
        }
        let mut seen = HashMap::new();
        for account in &self.plan.accounts {
            let line = account.keys.first().map_or(0, |key| key.line);
            if let Some(first) = seen.insert(account.id.as_str(), line) {
                let why = format!("makes the same account, {}, as line {first}", account.id);
                self.problems.push(Problem::at(line, why));
            }
        }
    }
}
