//! Prices as tables.

use crate::cli::{money, output, table, words};
use crate::proto::{Price, PriceOrigin};

/// One price.
pub(super) fn one(price: &Price) -> String {
    output::details(&[
        ("profile", price.profile.clone()),
        ("model", words::printable(&price.model)),
        ("input", money::text(price.input_micros)),
        ("cached input", cached(price)),
        ("output", money::text(price.output_micros)),
        ("from", words::time(price.effective_time.as_ref())),
        ("set by", price.set_by.clone()),
        ("etag", price.etag.clone()),
    ])
}

/// Several prices.
pub(super) fn list(prices: &[Price]) -> String {
    let rows = prices.iter().map(|price| {
        let provider = if price.profile.is_empty() {
            &price.provider
        } else {
            &price.profile
        };
        let amount = |micros| {
            if price.deleted {
                words::NOTHING.to_owned()
            } else {
                money::text(micros)
            }
        };
        vec![
            provider.clone(),
            words::printable(&price.model),
            amount(price.input_micros),
            cached(price),
            amount(price.output_micros),
            state(price),
        ]
    });
    let header = ["PROVIDER", "MODEL", "INPUT", "CACHED", "OUTPUT", "STATE"];
    table::list(&header, rows, "no prices")
}

fn cached(price: &Price) -> String {
    let cached = price.cached_input_micros;
    cached.map_or_else(|| words::NOTHING.to_owned(), money::text)
}

/// "built in, 2026-01-31", "set", "from 2026-02-01T00:00:00Z", "deleted, 2026-01-31", "past, 2026-01-31".
fn state(price: &Price) -> String {
    let from = words::time(price.effective_time.as_ref());
    let day = from.split('T').next().unwrap_or_default();
    let is_ahead = price.effective_time.as_ref();
    let is_ahead = is_ahead.is_some_and(|at| words::until(at, &words::now()).is_some());
    match (price.origin(), price.deleted, price.in_force) {
        (PriceOrigin::BuiltIn, ..) => format!("built in, {day}"),
        (_, true, _) => format!("deleted, {day}"),
        (_, false, true) => format!("set, {day}"),
        (_, false, false) if is_ahead => format!("from {from}"),
        (_, false, false) => format!("past, {day}"),
    }
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    #[test]
    fn a_table_of_prices_fits_a_terminal_and_says_where_each_is_from() {
        let built_in = Price {
            provider: "deepseek".into(),
            model: "deepseek-chat".into(),
            input_micros: 280_000,
            cached_input_micros: Some(28_000),
            output_micros: 420_000,
            effective_time: Some(Timestamp {
                seconds: 1_764_028_800,
                nanos: 0,
            }),
            origin: PriceOrigin::BuiltIn as i32,
            in_force: true,
            ..Price::default()
        };
        let gone = Price {
            profile: "openai".into(),
            origin: PriceOrigin::Operator as i32,
            deleted: true,
            ..built_in.clone()
        };
        let text = list(&[gone, built_in]);
        assert!(text.contains("0.28") && text.contains("0.028"), "{text}");
        assert!(text.contains("built in, 2025-11-25"), "{text}");
        assert!(text.contains("deleted, 2025-11-25"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
