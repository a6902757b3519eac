//! What a use consumed, on the wire. Nonsense is named, and is as if it had not been said.

use crate::domain::field::text;
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::prices::Tokens;
use crate::domain::usage::Usage;
use crate::proto;

/// The most tokens that one use is believed to have consumed.
const TOKENS_MAX: i64 = 1_000_000_000;
/// The most that one use is believed to have cost: a million dollars.
const COST_MICROS_MAX: i64 = 1_000_000_000_000;

/// What was used and cost, as far as it was said, and the model that served; the paths of what cannot be acted on come along.
pub(super) fn parse(
    path: &str,
    usage: proto::Usage,
    unsupported: &mut Vec<String>,
) -> (Usage, Option<String>) {
    let mut believed = |field: &str, value: i64, max: i64| {
        let is_believed = (0..=max).contains(&value);
        if !is_believed {
            unsupported.push(format!("{path}.{field}"));
        }
        is_believed.then(|| value.unsigned_abs())
    };
    let input = believed("input_tokens", usage.input_tokens, TOKENS_MAX);
    let cached_max = usage.input_tokens.clamp(0, TOKENS_MAX);
    let cached = believed("cached_input_tokens", usage.cached_input_tokens, cached_max);
    let output = believed("output_tokens", usage.output_tokens, TOKENS_MAX);
    let cost_micros = believed("cost_micros", usage.cost_micros, COST_MICROS_MAX);
    believed("requests", usage.requests, 1);
    let model = text("model", usage.model, MODEL_BYTES_MAX).ok();
    if model.is_none() {
        unsupported.push(format!("{path}.model"));
    }
    // Half of it would count the other half as nothing.
    for (field, lone) in [
        ("input_tokens", usage.input_tokens > 0 && output.is_none()),
        ("output_tokens", usage.output_tokens > 0 && input.is_none()),
    ] {
        let path = format!("{path}.{field}");
        if lone && !unsupported.contains(&path) {
            unsupported.push(path);
        }
    }
    let counted = input.zip(output).filter(|counted| *counted != (0, 0));
    let tokens = counted.map(|(input, output)| Tokens {
        input,
        cached_input: cached.unwrap_or(0),
        output,
    });
    let usage = Usage {
        tokens,
        cost_micros: cost_micros.filter(|cost| *cost > 0),
    };
    (usage, model.filter(|model| !model.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(usage: proto::Usage) -> (Usage, Option<String>, Vec<String>) {
        let mut unsupported = Vec::new();
        let (usage, model) = parse("u", usage, &mut unsupported);
        (usage, model, unsupported)
    }

    #[test]
    fn tokens_cost_and_model_are_taken_and_nothing_is_made_up() {
        let said = proto::Usage {
            input_tokens: 5,
            cached_input_tokens: 4,
            output_tokens: 3,
            requests: 1,
            cost_micros: 2,
            model: "gpt-4o".to_owned(),
        };
        let (usage, model, unsupported) = parsed(said);
        let tokens = usage.tokens.unwrap();
        assert_eq!(
            (tokens.input, tokens.cached_input, tokens.output),
            (5, 4, 3)
        );
        assert_eq!(
            (usage.cost_micros, model.as_deref()),
            (Some(2), Some("gpt-4o"))
        );
        assert_eq!(unsupported, [""; 0]);
        assert_eq!(
            parsed(proto::Usage::default()),
            (Usage::default(), None, vec![])
        );
    }

    #[test]
    fn tokens_of_which_half_is_nonsense_are_named_both() {
        for (input_tokens, output_tokens) in [(-4, 1_000_000), (1_000_000, -4)] {
            let said = proto::Usage {
                input_tokens,
                output_tokens,
                ..proto::Usage::default()
            };
            let (usage, _, mut unsupported) = parsed(said);
            unsupported.sort();
            assert_eq!(usage, Usage::default());
            assert_eq!(unsupported, ["u.input_tokens", "u.output_tokens"]);
        }
    }

    #[test]
    fn nonsense_is_named_and_leaves_the_rest() {
        let said = proto::Usage {
            input_tokens: -1,
            cached_input_tokens: 1,
            output_tokens: i64::MAX,
            requests: 2,
            cost_micros: COST_MICROS_MAX + 1,
            model: "a\u{7}".to_owned(),
        };
        let (usage, model, unsupported) = parsed(said);
        assert_eq!((usage, model), (Usage::default(), None));
        let fields = [
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "cost_micros",
            "requests",
            "model",
        ];
        assert_eq!(unsupported, fields.map(|field| format!("u.{field}")));
    }
}
