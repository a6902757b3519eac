//! What one use consumed and cost, as its report says: for charge-back, and for what it is priced at.

use super::judged::{Judged, Seen};
use super::prices::{OperatorPrices, Provider, Tokens, price_of};
use super::spend::Sums;
use super::time::Timestamp;
use super::wire::{Malformed, Reader, Writer};

/// What one use consumed and cost, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Its tokens, if they were counted.
    pub tokens: Option<Tokens>,
    /// What it cost, in micros, if that is known.
    pub cost_micros: Option<u64>,
}

impl Usage {
    /// Prices its tokens, unless its cost is known already or there is no price.
    pub fn price(
        &mut self,
        set: &OperatorPrices,
        provider: Provider<'_>,
        model: &str,
        now: Timestamp,
    ) {
        let (Some(tokens), None) = (self.tokens, self.cost_micros) else {
            return;
        };
        let price = price_of(set, provider, model, now);
        self.cost_micros = price.map(|(price, _)| price.cost(tokens));
    }

    /// Appends it.
    pub(super) fn encode(&self, to: &mut Writer) {
        let tokens = self.tokens.map(|t| [t.input, t.cached_input, t.output]);
        to.number(u64::from(tokens.is_some()));
        tokens
            .into_iter()
            .flatten()
            .for_each(|part| to.number(part));
        to.number(u64::from(self.cost_micros.is_some()));
        self.cost_micros
            .into_iter()
            .for_each(|cost| to.number(cost));
    }

    /// As it was appended.
    ///
    /// # Errors
    /// When it is cut short.
    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let tokens = match from.number()? {
            0 => None,
            _ => Some(Tokens {
                input: from.number()?,
                cached_input: from.number()?,
                output: from.number()?,
            }),
        };
        let cost_micros = match from.number()? {
            0 => None,
            _ => Some(from.number()?),
        };
        Ok(Self {
            tokens,
            cost_micros,
        })
    }
}

impl Judged {
    /// What its uses add to the spend; none if they never started. What failed costs nothing unless the report says so; what succeeded
    /// costs something, whether or not it is known what.
    #[must_use]
    pub fn spent(&self) -> Option<Sums> {
        let usage = self.usage;
        let is_charged = match &self.seen {
            Seen::NotSent => return None,
            Seen::Success => true,
            Seen::Failed { .. } => usage.tokens.is_some(),
        };
        let uses = u64::from(self.count);
        let tokens = usage.tokens.unwrap_or_default();
        let is_unpriced = is_charged && usage.cost_micros.is_none();
        Some(Sums {
            cost_micros: usage.cost_micros.unwrap_or(0).saturating_mul(uses),
            requests: uses,
            unpriced_requests: if is_unpriced { uses } else { 0 },
            input_tokens: tokens.input.saturating_mul(uses),
            cached_input_tokens: tokens.cached_input.min(tokens.input).saturating_mul(uses),
            output_tokens: tokens.output.saturating_mul(uses),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outcome::Start;
    use crate::domain::profile::Profile;

    const OPENAI: Provider<'_> = Provider {
        profile: Profile::Openai,
        base_url: "https://api.openai.com/v1",
    };

    const NOW: Timestamp = Timestamp::from_micros(0);

    fn judged(seen: Seen, usage: Usage) -> Judged {
        Judged {
            count: 3,
            usage,
            seen,
            start: Start::Unknown,
            model: None,
        }
    }

    /// A thousand tokens of input, all of them cached, and ten of output.
    fn used() -> Usage {
        let tokens = Tokens {
            input: 1_000,
            cached_input: 2_000,
            output: 10,
        };
        Usage {
            tokens: Some(tokens),
            cost_micros: None,
        }
    }

    fn priced(mut usage: Usage, model: &str) -> Option<u64> {
        usage.price(&OperatorPrices::default(), OPENAI, model, NOW);
        usage.cost_micros
    }

    #[test]
    fn tokens_are_priced_unless_the_cost_is_stated_or_nobody_knows_a_price() {
        assert_eq!(priced(used(), "gpt-4o"), Some(1_000 * 5 / 4 + 10 * 10));
        assert_eq!(priced(used(), ""), None);
        assert_eq!(priced(Usage::default(), "gpt-4o"), None);
        let stated = Usage {
            cost_micros: Some(7),
            ..used()
        };
        assert_eq!(priced(stated, "gpt-4o"), Some(7));
    }

    #[test]
    fn uses_of_unknown_cost_are_counted_apart_and_what_never_started_not_at_all() {
        assert_eq!(judged(Seen::NotSent, used()).spent(), None);
        let unknown = judged(Seen::Success, Usage::default()).spent().unwrap();
        assert_eq!((unknown.requests, unknown.unpriced_requests), (3, 3));
        let known = Usage {
            cost_micros: Some(7),
            ..used()
        };
        let known = judged(Seen::Success, known).spent().unwrap();
        assert_eq!((known.cost_micros, known.unpriced_requests), (21, 0));
        assert_eq!(
            (known.input_tokens, known.cached_input_tokens),
            (3_000, 3_000)
        );
    }
}
