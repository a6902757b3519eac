//! What models cost: a price of tokens, where it comes from, and what an estimate or a use comes to. Money is whole micros (millionths)
//! of a US dollar, never a fraction.
//!
//! What an operator has set wins over the built-in table. Among what was set, a whole name wins over the name without its date, that over
//! a pattern, and of patterns the one with most characters that are not wildcards.

use std::fmt;

use super::pool::Estimate;
use super::profile::Profile;
use super::time::Timestamp;

pub mod built_in;
mod dated;
pub mod operator;
#[cfg(test)]
mod tests;

pub use operator::{OperatorPrice, OperatorPrices};

/// The most that a million tokens can cost, in micros: a million dollars.
pub const PRICE_MAX: u64 = 1_000_000_000_000;
/// Prices are for so many tokens.
const PER_TOKENS: u128 = 1_000_000;

/// What a million tokens cost, in micros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Input tokens.
    pub input: u64,
    /// Input tokens read from the provider's cache; as any other input unless set.
    pub cached_input: Option<u64>,
    /// Output tokens.
    pub output: u64,
}

/// The tokens of one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Input tokens, cached ones included.
    pub input: u64,
    /// Of these, read from the provider's cache. More than all of them count as all.
    pub cached_input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Price {
    /// What one use costs, in micros, rounded up once: an estimate never falls short of the use it foresaw, and a sum of uses is above the
    /// exact cost by less than a micro for each. Where it would not fit, it is the largest number.
    #[must_use]
    pub fn cost(&self, tokens: Tokens) -> u64 {
        let cached = tokens.cached_input.min(tokens.input);
        let part = |tokens: u64, price: u64| u128::from(tokens).saturating_mul(price.into());
        let sum = part(tokens.input - cached, self.input)
            .saturating_add(part(cached, self.cached_input.unwrap_or(self.input)))
            .saturating_add(part(tokens.output, self.output));
        u64::try_from(sum.div_ceil(PER_TOKENS)).unwrap_or(u64::MAX)
    }
}

/// Whose models: an account's profile, and where its requests go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider<'a> {
    /// How it is spoken to.
    pub profile: Profile,
    /// The account's base URL: many providers speak like another one.
    pub base_url: &'a str,
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The table of this release.
    BuiltIn,
    /// Somebody set it.
    Operator,
}

/// The price of a model of a provider at a time, and where it comes from.
#[must_use]
pub fn price_of(
    set: &OperatorPrices,
    provider: Provider<'_>,
    model: &str,
    at: Timestamp,
) -> Option<(Price, Origin)> {
    let own = set.price(provider.profile, model, at);
    let own = own.map(|price| (price, Origin::Operator));
    own.or_else(|| {
        let table = built_in::table().ok()?;
        let price = table.price(provider, model)?;
        Some((price, Origin::BuiltIn))
    })
}

/// No price is known for a model, or no model was named to look one up for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPrice {
    /// The account's profile.
    pub profile: Profile,
    /// The model; none was named.
    pub model: Option<String>,
}

impl fmt::Display for NoPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.profile.as_str();
        match &self.model {
            Some(model) => write!(
                f,
                "no price is known for model {model} of profile {profile}, set one with SetPrice or give estimate.cost_micros"
            ),
            None => write!(
                f,
                "a price of profile {profile} is looked up by model and none is named, name it or give estimate.cost_micros"
            ),
        }
    }
}

/// What one use is expected to cost, in micros: as the estimate says, or its tokens by price.
///
/// # Errors
/// Neither is known.
pub fn cost_of_estimate(
    set: &OperatorPrices,
    provider: Provider<'_>,
    model: Option<&str>,
    estimate: Estimate,
    at: Timestamp,
) -> Result<u64, NoPrice> {
    if let Some(cost) = estimate.cost_micros {
        return Ok(cost);
    }
    let found = model.and_then(|model| price_of(set, provider, model, at));
    let (price, _) = found.ok_or_else(|| NoPrice {
        profile: provider.profile,
        model: model.map(str::to_owned),
    })?;
    // Nobody knows beforehand what a cache will hold.
    Ok(price.cost(Tokens {
        input: estimate.input_tokens,
        cached_input: 0,
        output: estimate.output_tokens,
    }))
}
