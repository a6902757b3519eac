//! Tests of prices: what they come to, which of them is in force, and the table itself.

use uuid::Uuid;

use super::built_in::{Table, table};
use super::*;
use crate::domain::models::Pattern;

mod laws;

const OPENAI: Provider<'_> = Provider {
    profile: Profile::Openai,
    base_url: "https://api.openai.com/v1",
};
const NOW: Timestamp = Timestamp::from_micros(1_000);

fn flat(price: u64) -> Price {
    Price {
        input: price,
        cached_input: None,
        output: price,
    }
}

fn set(model: &str, price: Option<Price>, effective: i64, rev: i64) -> OperatorPrice {
    OperatorPrice {
        uid: Uuid::from_u128(rev.unsigned_abs().into()),
        rev,
        profile: Profile::Openai,
        model: Pattern::parse("model", model).unwrap(),
        price,
        effective: Timestamp::from_micros(effective),
        create_time: Timestamp::from_micros(0),
        by: "callers/ana".to_owned(),
    }
}

fn prices(all: impl IntoIterator<Item = OperatorPrice>) -> OperatorPrices {
    let mut prices = OperatorPrices::default();
    all.into_iter().for_each(|price| prices.add(price));
    prices
}

#[test]
fn a_use_costs_its_tokens_by_price_and_cached_ones_less() {
    let price = Price {
        input: 2_500_000,
        cached_input: Some(1_250_000),
        output: 10_000_000,
    };
    let tokens = Tokens {
        input: 1_000,
        cached_input: 400,
        output: 50,
    };
    assert_eq!(price.cost(tokens), 600 * 5 / 2 + 400 * 5 / 4 + 50 * 10);
    let one = Tokens {
        input: 1,
        ..Tokens::default()
    };
    assert_eq!(flat(1).cost(one), 1, "rounded up");
    assert_eq!(flat(1).cost(Tokens::default()), 0);
}

#[test]
fn the_table_of_this_release_is_dated_sourced_and_within_bounds() {
    let table = table().unwrap();
    assert!(table.date > Timestamp::from_micros(1_780_000_000_000_000));
    let models: usize = table.providers.iter().map(|p| p.models.len()).sum();
    assert!(models > 300, "{models}");
    for profile in [Profile::Openai, Profile::Anthropic, Profile::Gemini] {
        let listed = table
            .providers
            .iter()
            .filter(|p| p.profile == Some(profile));
        assert_eq!(listed.count(), 1, "{profile:?}");
    }
    let mut hosts: Vec<_> = table.providers.iter().flat_map(|p| &p.hosts).collect();
    hosts.sort();
    let all = hosts.len();
    hosts.dedup();
    assert_eq!(hosts.len(), all, "a host belongs to one provider");
}

#[test]
fn a_table_that_is_wrong_is_refused_with_its_fault() {
    let head = "version = 1\ndate = \"2026-01-01\"\ncurrency = \"USD\"\n";
    let one = |price: &str| {
        format!(
            "{head}[[provider]]\nname = \"x\"\nhosts = [\"x.test\"]\nsource = \"https://x.test\"\n[provider.models]\nm = {price}\n"
        )
    };
    assert!(Table::parse(&one("{ input = 2, cached_input = 1, output = 0 }")).is_ok());
    for (wrong, named) in [
        (
            one("{ input = 2, cached_input = 3, output = 0 }"),
            "of m is",
        ),
        (one("{ input = 2, output = 1_000_000_000_001 }"), "of m is"),
        (one("{ input = -2, output = 1 }"), "input"),
        (one("{ input = 2, outptu = 1 }"), "outptu"),
        (
            head.replace("version = 1", "version = 2") + "provider = []",
            "version 2",
        ),
        (head.replace("USD", "EUR") + "provider = []", "EUR"),
        (
            head.replace("-01-01", "-13-01") + "provider = []",
            "2026-13-01",
        ),
        (
            one("{ input = 2, output = 1 }").replace("x.test\"]", "X\"]"),
            "hosts",
        ),
    ] {
        let fault = Table::parse(&wrong).unwrap_err();
        assert!(fault.contains(named), "{named}: {fault}");
    }
}

#[test]
fn a_model_is_known_by_its_name_or_without_its_date_and_a_provider_by_its_host() {
    let of = |base_url, model| {
        let profile = Profile::Openai;
        let provider = Provider { profile, base_url };
        price_of(&OperatorPrices::default(), provider, model, NOW)
    };
    let plain = of("https://api.openai.com/v1", "gpt-4.1");
    assert_eq!(plain.unwrap().1, Origin::BuiltIn);
    assert_eq!(of("https://api.openai.com/v1", "gpt-4.1-2025-04-14"), plain);
    assert_eq!(
        of("https://gateway.example.com/v1", "gpt-4.1"),
        plain,
        "the profile's"
    );
    assert_ne!(
        of("https://api.openai.com/v1", "gpt-4o-2024-05-13"),
        of("https://api.openai.com/v1", "gpt-4o")
    );
    assert_eq!(of("https://api.openai.com/v1", "gpt-nonsense"), None);
    assert_eq!(
        of("https://api.deepseek.com:443/v1", "gpt-4.1"),
        None,
        "another provider"
    );
    assert!(of("https://api.deepseek.com/v1", "deepseek-chat").is_some());
}

#[test]
fn what_was_set_wins_by_name_then_undated_then_by_the_closest_pattern() {
    let all = prices([
        set("*", Some(flat(1)), 0, 1),
        set("gpt-*", Some(flat(2)), 0, 2),
        set("gpt-4?1*", Some(flat(3)), 0, 3),
        set("gpt-4.1", Some(flat(4)), 0, 4),
        set("gpt-4.1-2025-04-14", Some(flat(5)), 0, 5),
    ]);
    for (model, price) in [
        ("gpt-4.1-2025-04-14", 5),
        ("gpt-4.1-2026-01-01", 4),
        ("gpt-4.1", 4),
        ("gpt-4.1-mini", 3),
        ("gpt-9", 2),
        ("o3", 1),
    ] {
        let found = price_of(&all, OPENAI, model, NOW).unwrap();
        assert_eq!(found, (flat(price), Origin::Operator), "{model}");
    }
    assert_eq!(all.price(Profile::Gemini, "gpt-4.1", NOW), None);
}

#[test]
fn a_price_holds_from_its_time_on_until_the_next_and_may_be_withdrawn() {
    let all = prices([
        set("gpt-4o", None, 30, 4),
        set("gpt-4o", Some(flat(2)), 20, 2),
        set("gpt-4o", Some(flat(1)), 10, 1),
        set("gpt-4o", Some(flat(3)), 20, 3),
    ]);
    let at = |micros| all.price(Profile::Openai, "gpt-4o", Timestamp::from_micros(micros));
    assert_eq!(
        [at(9), at(10), at(19)],
        [None, Some(flat(1)), Some(flat(1))]
    );
    assert_eq!(at(20), Some(flat(3)), "set later, from the same time");
    assert_eq!(at(30), None);
    let built_in = price_of(&all, OPENAI, "gpt-4o", NOW).unwrap();
    assert_eq!(built_in.1, Origin::BuiltIn);
}

#[test]
fn an_estimate_costs_what_it_says_or_its_tokens_or_is_refused_by_name() {
    let none = OperatorPrices::default();
    let estimate = Estimate {
        input_tokens: 1_000_000,
        output_tokens: 0,
        cost_micros: None,
    };
    let cost = |model, estimate| cost_of_estimate(&none, OPENAI, model, estimate, NOW);
    let stated = Estimate {
        cost_micros: Some(7),
        ..estimate
    };
    assert_eq!(cost(None, stated), Ok(7));
    assert_eq!(cost(Some("gpt-4o"), estimate), Ok(2_500_000));
    let refused = cost(Some("gpt-nonsense"), estimate).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("gpt-nonsense") && said.contains("openai"),
        "{said}"
    );
    assert!(
        cost(None, estimate)
            .unwrap_err()
            .to_string()
            .contains("none is named")
    );
}
