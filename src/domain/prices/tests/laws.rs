//! What holds for all prices and all numbers of tokens.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_cost_is_the_exact_one_rounded_up_and_never_wraps(
        input in any::<u64>(), cached in any::<u64>(), output in any::<u64>(),
        price in (0..=PRICE_MAX, proptest::option::of(0..=PRICE_MAX), 0..=PRICE_MAX),
    ) {
        let price = Price { input: price.0, cached_input: price.1, output: price.2 };
        let cost = price.cost(Tokens { input, cached_input: cached, output });
        // 2^64 tokens at 2^40 micros are far below 2^128, so the plain sum is exact.
        let cached = u128::from(cached.min(input));
        let exact = (u128::from(input) - cached) * u128::from(price.input)
            + cached * u128::from(price.cached_input.unwrap_or(price.input))
            + u128::from(output) * u128::from(price.output);
        if cost < u64::MAX {
            let over = u128::from(cost) * 1_000_000 - exact;
            prop_assert!(over < 1_000_000);
        } else {
            prop_assert!(exact > (u128::from(u64::MAX) - 1) * 1_000_000);
        }
    }

    #[test]
    fn more_tokens_never_cost_less(a in 0..1_000_000_u64, more in 0..1_000_u64, price in 0..=PRICE_MAX) {
        let of = |input| flat(price).cost(Tokens { input, cached_input: 0, output: 0 });
        prop_assert!(of(a) <= of(a + more));
    }

    #[test]
    fn the_order_in_which_prices_become_known_does_not_matter(seed in any::<u64>()) {
        let mut all: Vec<_> = (0..8).map(|i| set("gpt-*", Some(flat(i)), (seed >> i & 3).cast_signed(), i.cast_signed())).collect();
        let one = prices(all.clone());
        all.rotate_left((seed % 8) as usize);
        let other = prices(all);
        for at in 0..4 {
            let at = Timestamp::from_micros(at);
            prop_assert_eq!(one.price(Profile::Openai, "gpt-x", at), other.price(Profile::Openai, "gpt-x", at));
        }
    }
}
