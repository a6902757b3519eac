//! Prices that an operator has set. They are never changed: a new one takes effect from its time on, and the older ones stay.

use std::collections::HashMap;

use uuid::Uuid;

use super::Price;
use super::dated::undated;
use crate::domain::models::Pattern;
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;

/// The most models, or patterns of them, that have a price of their own: replicas keep them all in memory.
pub const PRICES_MAX: usize = 1_000;

/// A price that an operator has set, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPrice {
    /// Immutable.
    pub uid: Uuid,
    /// The revision that set it.
    pub rev: i64,
    /// Whose models.
    pub profile: Profile,
    /// A model, or a pattern of models.
    pub model: Pattern,
    /// The price; none: from then on the built-in one, if there is one.
    pub price: Option<Price>,
    /// From when on.
    pub effective: Timestamp,
    /// When it was set.
    pub create_time: Timestamp,
    /// Who set it, by name.
    pub by: String,
}

/// All prices that operators have set.
#[derive(Debug, Clone, Default)]
pub struct OperatorPrices {
    by_profile: HashMap<Profile, Book>,
}

#[derive(Debug, Clone, Default)]
struct Book {
    /// By whole name.
    names: HashMap<String, History>,
    /// The most specific first.
    patterns: Vec<(Pattern, History)>,
}

/// The prices of one model in the order in which they take effect.
#[derive(Debug, Clone, Default)]
struct History(Vec<OperatorPrice>);

impl OperatorPrices {
    /// Takes one up, unless it is known.
    pub fn add(&mut self, price: OperatorPrice) {
        let book = self.by_profile.entry(price.profile).or_default();
        book.history(&price.model).add(price);
    }

    /// The price of a model at a time.
    #[must_use]
    pub fn price(&self, profile: Profile, model: &str, at: Timestamp) -> Option<Price> {
        let book = self.by_profile.get(&profile)?;
        let named = |name: &str| book.names.get(name).and_then(|history| history.price(at));
        let by_name = named(model).or_else(|| named(undated(model)?));
        by_name.or_else(|| {
            let mut matching = book.patterns.iter().filter(|(p, _)| p.matches(model));
            matching.find_map(|(_, history)| history.price(at))
        })
    }
}

impl Book {
    fn history(&mut self, model: &Pattern) -> &mut History {
        let text = model.as_str();
        if !is_wild(text) {
            return self.names.entry(text.to_owned()).or_default();
        }
        let order = |pattern: &str| (std::cmp::Reverse(literals(pattern)), pattern.to_owned());
        let place = order(text);
        let found = self
            .patterns
            .binary_search_by_key(&place, |(known, _)| order(known.as_str()));
        let at = found.unwrap_or_else(|at| {
            self.patterns
                .insert(at, (model.clone(), History::default()));
            at
        });
        &mut self.patterns[at].1
    }
}

impl History {
    fn add(&mut self, price: OperatorPrice) {
        let order = |p: &OperatorPrice| (p.effective, p.rev);
        if let Err(at) = self.0.binary_search_by_key(&order(&price), order) {
            self.0.insert(at, price);
        }
    }

    /// The last that has taken effect; of two from the same time, the one that was set later.
    fn price(&self, at: Timestamp) -> Option<Price> {
        let begun = self.0.iter().rev().find(|price| price.effective <= at);
        begun.and_then(|price| price.price)
    }
}

/// Whether it stands for more than one name.
fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

fn literals(pattern: &str) -> usize {
    pattern.chars().filter(|c| !"*?".contains(*c)).count()
}
