//! Rules that a pool adds: written like the built-in ones, evaluated before them, and within tighter bounds, since every report on a lease
//! of the pool is judged by them.

use std::sync::OnceLock;

use super::file;
use super::rule::{Rule, Written};
use crate::domain::health::FailureClass;

/// The longest text of a pool's rules.
pub const POOL_RULES_BYTES_MAX: usize = 16 * 1024;
/// The most rules of a pool.
const RULES_MAX: usize = 32;
/// The most values of one field of a rule.
const VALUES_MAX: usize = 16;
/// The longest value.
const VALUE_BYTES_MAX: usize = 256;
/// The longest id.
const ID_BYTES_MAX: usize = 63;
/// The largest compiled pattern. What a report takes at most is in proportion to this and to the number of rules.
const PATTERN_BYTES_MAX: usize = 16 * 1024;
/// The most of what is told of one that is wrong.
const FAULT_BYTES_MAX: usize = 512;
/// What their ids begin with, so that a verdict says whose rule it came from.
const FILE: &str = "pool";

/// The rules of a pool, as their author wrote them. They are compiled when they are first asked for: most readers of a pool do not.
#[derive(Debug)]
pub struct PoolRules {
    text: String,
    compiled: OnceLock<Result<Vec<Rule>, String>>,
}

impl PoolRules {
    /// Parses what an author wrote.
    ///
    /// # Errors
    /// Names the rule, the field, the bound and the remedy.
    pub fn parse(text: String) -> Result<Self, String> {
        let rules = compile(&text, Author::Here)?;
        Ok(Self {
            text,
            compiled: OnceLock::from(Ok(rules)),
        })
    }

    /// What is stored, perhaps by a release that reads more than this one: [`Self::fault`] tells.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self {
            text,
            compiled: OnceLock::new(),
        }
    }

    /// As its author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why this release cannot read them. The built-in rules judge alone then.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.compiled().as_ref().err().map(String::as_str)
    }

    /// The ids of the rules, in order, as verdicts name them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules().iter().map(|rule| rule.id.as_str())
    }

    pub(super) fn rules(&self) -> &[Rule] {
        self.compiled().as_ref().map_or(&[], Vec::as_slice)
    }

    fn compiled(&self) -> &Result<Vec<Rule>, String> {
        self.compiled
            .get_or_init(|| compile(&self.text, Author::Before))
    }
}

/// The text is all there is to them.
impl PartialEq for PoolRules {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PoolRules {}

/// Who has written rules: what an earlier release let pass is judged on as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    /// Somebody who hears what is wrong with them.
    Here,
    /// Nobody who does.
    Before,
}

/// What is wrong quotes the author, and is told in a header of an answer.
fn compile(text: &str, author: Author) -> Result<Vec<Rule>, String> {
    rules_of(text, author).map_err(|mut what| {
        if what.len() > FAULT_BYTES_MAX {
            what.truncate(what.floor_char_boundary(FAULT_BYTES_MAX));
            what.push('…');
        }
        what
    })
}

fn rules_of(text: &str, author: Author) -> Result<Vec<Rule>, String> {
    if text.len() > POOL_RULES_BYTES_MAX {
        let bytes = text.len();
        return Err(format!(
            "have {bytes} bytes, at most {POOL_RULES_BYTES_MAX} are allowed; remove rules or comments"
        ));
    }
    let file = file::parse(text)?;
    if !file.provider.is_empty() {
        return Err("have a [[provider]], which only built-in rules may; remove it".to_owned());
    }
    let count = file.rule.len();
    if !(1..=RULES_MAX).contains(&count) {
        return Err(format!(
            "have {count} rules, must have 1 to {RULES_MAX}; one rule may name several statuses, codes and texts"
        ));
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(count);
    for (i, written) in file.rule.into_iter().enumerate() {
        let rule = rule_of(i, written, author)?;
        if rules.iter().any(|earlier| earlier.id == rule.id) {
            return Err(format!("have two rules {}, rename one", rule.id));
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// One rule, the one at place `i`.
fn rule_of(i: usize, written: Written, author: Author) -> Result<Rule, String> {
    let id = written.id.clone();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.chars().all(is_plain) {
        return Err(format!(
            "rule[{i}]: id must have 1 to {ID_BYTES_MAX} characters of a-z, 0-9 and '-'"
        ));
    }
    let within = |what| format!("rule {id}: {what}");
    check(&written).map_err(within)?;
    if author == Author::Here {
        refuse_void(&written).map_err(within)?;
    }
    let rule = Rule::parse(FILE, judged(written), PATTERN_BYTES_MAX).map_err(within)?;
    // The last thing that a pool may be talked into is to bury its keys while their provider is ill.
    if rule.class == FailureClass::Credential && rule.takes_any_fault() {
        let what = "class \"credential\" takes every answer of status 5xx, which is never a key's fault by itself; add codes, text, \
            headers or fields, or name other statuses";
        return Err(within(what.to_owned()));
    }
    Ok(rule)
}

fn check(written: &Written) -> Result<(), String> {
    if written.fallback {
        return Err("fallback is for built-in rules only; give it a condition".to_owned());
    }
    let lists = [
        ("status", &written.status),
        ("codes", &written.codes),
        ("text", &written.text),
        ("also", &written.also),
        ("unless", &written.unless),
        ("address", &written.address),
    ];
    for (field, values) in lists {
        check_values(field, values.len(), values.iter())?;
    }
    for (field, pairs) in [("headers", &written.headers), ("fields", &written.fields)] {
        check_values(field, pairs.len(), pairs.iter().flat_map(|(a, b)| [a, b]))?;
    }
    Ok(())
}

/// A failure that nobody can name counts against the key, in a row. What a rule says of it besides would be lost.
fn refuse_void(written: &Written) -> Result<(), String> {
    let class = FailureClass::Unknown.as_str();
    let of_what = match (written.class == class, written.guess) {
        (true, _) => format!("class {class:?}"),
        (false, true) => "guess = true".to_owned(),
        (false, false) => return Ok(()),
    };
    let said = [("scope", &written.scope), ("advice", &written.advice)];
    let void = said.into_iter().find(|(_, value)| value.is_some());
    void.map_or(Ok(()), |(field, _)| {
        Err(format!(
            "{field} is void beside {of_what}: such a failure counts against the key, in a row, and another key is advised; remove \
            {field}, or name a class that it is to hold for"
        ))
    })
}

/// What its author only guesses is what nobody can name. Nothing else holds of that, whatever an earlier release let pass.
fn judged(mut written: Written) -> Written {
    let unknown = FailureClass::Unknown.as_str();
    if written.guess || written.class == unknown {
        unknown.clone_into(&mut written.class);
        written.guess = false;
        (written.scope, written.advice, written.cooldown) = (None, None, None);
    }
    written
}

fn check_values<'a>(
    field: &str,
    count: usize,
    mut values: impl Iterator<Item = &'a String>,
) -> Result<(), String> {
    if count > VALUES_MAX {
        return Err(format!(
            "{field} has {count} values, at most {VALUES_MAX} are allowed; make two rules of it"
        ));
    }
    match values.find(|value| value.len() > VALUE_BYTES_MAX) {
        Some(value) => Err(format!(
            "{field} has a value of {} bytes, at most {VALUE_BYTES_MAX} are allowed; match a part of it",
            value.len()
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
