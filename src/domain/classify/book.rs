//! All rules: one file per provider, and those for everybody, in the order they are evaluated.

use std::collections::BTreeSet;

use super::Blame;
use super::file::{self, COMMON, FILES, Provider, RuleError};
use super::pool_rules::PoolRules;
use super::rule::Rule;
use super::stated::HeaderSet;
use crate::domain::profile::Profile;

/// The providers of which nothing is known.
const GENERIC: &str = "generic";

/// The rules of every provider.
#[derive(Debug)]
pub struct RuleBook {
    providers: Vec<RuleSet>,
    common: Vec<Rule>,
    groups: Vec<(String, Vec<Rule>)>,
}

/// What is known of one provider.
#[derive(Debug, Default)]
struct RuleSet {
    names: Vec<String>,
    hosts: Vec<String>,
    limits: Option<Blame>,
    zone_hours: i8,
    stated: Vec<HeaderSet>,
    groups: Vec<usize>,
}

/// The rules of one provider, in order.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    book: &'a RuleBook,
    set: &'a RuleSet,
    of_pool: &'a [Rule],
}

impl RuleBook {
    /// The built-in rules.
    ///
    /// # Errors
    /// Names the file, the rule and what is wrong with it: of a build that passed its tests, never.
    pub fn built_in() -> Result<Self, RuleError> {
        Self::parse(FILES, COMMON)
    }

    fn parse(files: &[(&str, &str)], common: &[(&str, &str)]) -> Result<Self, RuleError> {
        let mut book = Self {
            providers: Vec::new(),
            common: Vec::new(),
            groups: Vec::new(),
        };
        let mut providers = Vec::new();
        for (name, text) in files {
            let file = file::read(name, text)?;
            book.groups
                .push(((*name).to_owned(), file::rules_of(name, file.rule)?));
            providers.push((*name, file.provider));
        }
        for (name, text) in common {
            book.common
                .extend(file::rules_of(name, file::read(name, text)?.rule)?);
        }
        for (file, written) in providers {
            for provider in written {
                let set = book.set_of(file, provider);
                book.providers
                    .push(set.map_err(|what| file::error(file, what))?);
            }
        }
        book.check().map_err(|what| file::error("all", what))?;
        Ok(book)
    }

    /// The rules of a provider by its name; of a name that is not known, those for everybody.
    #[must_use]
    pub fn named(&self, provider: &str) -> Rules<'_> {
        let provider = provider.to_ascii_lowercase().replace(['-', ' '], "_");
        let is_named = |set: &&RuleSet| set.names.contains(&provider);
        let generic = |set: &&RuleSet| set.names.iter().any(|name| name == GENERIC);
        let mut sets = self.providers.iter();
        let found = sets.find(is_named);
        let found = found.or_else(|| self.providers.iter().find(generic));
        self.rules(found.unwrap_or(&NOTHING_KNOWN))
    }

    /// The rules of an account: many providers speak like another one, and are known by where the requests go.
    #[must_use]
    pub fn of_account(&self, profile: Profile, base_url: &str) -> Rules<'_> {
        let (_, rest) = base_url.split_once("://").unwrap_or(("", base_url));
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        let is_there = |known: &String| {
            let rest = host.strip_suffix(known.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let mut sets = self.providers.iter();
        match sets.find(|set| set.hosts.iter().any(is_there)) {
            Some(set) => self.rules(set),
            None => self.named(profile.as_str()),
        }
    }

    const fn rules<'a>(&'a self, set: &'a RuleSet) -> Rules<'a> {
        let of_pool = &[];
        Rules {
            book: self,
            set,
            of_pool,
        }
    }

    fn set_of(&self, file: &str, written: Provider) -> Result<RuleSet, String> {
        let mut groups = Vec::new();
        for name in std::iter::once(file).chain(written.then.iter().map(String::as_str)) {
            let index = self.groups.iter().position(|(group, _)| group == name);
            groups.push(index.ok_or_else(|| format!("there is no file {name:?}"))?);
        }
        let stated: Result<_, String> = written.limit.iter().map(HeaderSet::parse).collect();
        let limits = written.limits.as_deref().map(|limits| {
            let found = Blame::ALL.into_iter().find(|b| b.as_str() == limits);
            found.ok_or_else(|| format!("limits {limits:?} is no scope"))
        });
        Ok(RuleSet {
            names: written.names,
            hosts: written.hosts,
            limits: limits.transpose()?,
            zone_hours: written.zone_hours,
            stated: stated?,
            groups,
        })
    }

    /// Names, hosts and rule ids are unique, and the last rule of all takes what no other took.
    fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let names = self.providers.iter().flat_map(|set| &set.names);
        let hosts = self.providers.iter().flat_map(|set| &set.hosts);
        let rules = self.groups.iter().flat_map(|(_, rules)| rules);
        let ids = rules.chain(&self.common).map(|rule| &rule.id);
        for name in names.chain(hosts).chain(ids) {
            if !seen.insert(name) {
                return Err(format!("{name:?} is there twice"));
            }
        }
        let profiles = Profile::ALL.map(Profile::as_str);
        let missing = profiles.iter().find(|p| !seen.contains(&(**p).to_owned()));
        missing.map_or(Ok(()), |profile| Err(format!("no provider {profile:?}")))
    }
}

static NOTHING_KNOWN: RuleSet = RuleSet {
    names: Vec::new(),
    hosts: Vec::new(),
    limits: None,
    zone_hours: 0,
    stated: Vec::new(),
    groups: Vec::new(),
};

impl<'a> Rules<'a> {
    /// The same, after those of a pool.
    #[must_use]
    pub fn after(self, pool: Option<&'a PoolRules>) -> Self {
        let of_pool = pool.map_or(&[][..], PoolRules::rules);
        Self { of_pool, ..self }
    }

    /// In the order they are evaluated.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a Rule> {
        let groups = self.set.groups.iter();
        let own = groups.flat_map(move |index| &self.book.groups[*index].1);
        self.of_pool.iter().chain(own).chain(&self.book.common)
    }

    /// Where this provider counts, if it is known.
    pub(super) const fn limits(self) -> Option<Blame> {
        self.set.limits
    }

    /// Headers that tell of budgets: those that it is known to send, or else those that many send.
    pub(super) fn stated(self) -> &'a [HeaderSet] {
        if self.set.stated.is_empty() {
            return &self.book.named(GENERIC).set.stated;
        }
        &self.set.stated
    }

    /// The time zone of times that name none, in hours east of UTC.
    pub(super) const fn zone_hours(self) -> i8 {
        self.set.zone_hours
    }
}

#[cfg(test)]
mod tests;
