//! Real responses, with the verdict that each must get.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Response, RuleBook, explain};

/// One line of a sample file.
#[derive(Debug, Clone, Deserialize)]
struct Sample {
    id: String,
    provider: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
    expect: Expected,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
struct Expected {
    class: String,
    scope: String,
    retry_after_ms: Option<u64>,
    advice: String,
}

/// How far a stated delay may be off: labels are rounded.
const TOLERANCE_MS: u64 = 1_000;

fn verdict(book: &RuleBook, sample: &Sample) -> (Expected, String) {
    let headers: Vec<_> = sample
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    let response = Response {
        status: sample.status,
        headers: &headers,
        body: sample.body.as_bytes(),
    };
    let Some(found) = explain(&response, book.named(&sample.provider), None) else {
        let nothing = || "none".to_owned();
        let expected = Expected {
            class: nothing(),
            scope: nothing(),
            retry_after_ms: None,
            advice: nothing(),
        };
        return (expected, nothing());
    };
    let failure = found.failure;
    let expected = Expected {
        class: failure.class.as_str().to_owned(),
        scope: failure.blame.as_str().to_owned(),
        retry_after_ms: failure
            .retry_after
            .map(|d| u64::try_from(d.as_millis()).unwrap()),
        advice: failure.advice.as_str().to_owned(),
    };
    (expected, found.rule.to_owned())
}

fn is_as_expected(found: &Expected, expected: &Expected) -> bool {
    let is_near = match (found.retry_after_ms, expected.retry_after_ms) {
        (None, None) => true,
        (Some(found), Some(expected)) => found.abs_diff(expected) <= TOLERANCE_MS,
        _ => false,
    };
    let words = |e: &Expected| (e.class.clone(), e.scope.clone(), e.advice.clone());
    is_near && words(found) == words(expected)
}

/// Prints the samples that get another verdict, and answers how many there are of how many.
fn wrong(lines: &str, named: impl Fn(&Sample) -> String) -> (usize, usize) {
    let book = RuleBook::built_in().unwrap();
    let (mut wrong, mut all) = (0, 0);
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let mut sample: Sample = serde_json::from_str(line).unwrap();
        sample.provider = named(&sample);
        let (found, rule) = verdict(&book, &sample);
        all += 1;
        if !is_as_expected(&found, &sample.expect) {
            wrong += 1;
            let (id, expected) = (&sample.id, &sample.expect);
            println!("{id}: {rule}\n  found    {found:?}\n  expected {expected:?}");
        }
    }
    println!("{} of {all} as expected", all - wrong);
    (wrong, all)
}

const REAL: &str = include_str!("../../../tests/data/provider-errors.jsonl");
/// Further ones, written from what providers document and from what people report, to see whether rules generalise.
const MORE: &str = include_str!("../../../tests/data/provider-errors-more.jsonl");

#[test]
fn every_sample_is_classified_as_expected() {
    assert_eq!(wrong(REAL, |sample| sample.provider.clone()), (0, 141));
}

#[test]
fn so_is_every_further_one() {
    assert_eq!(wrong(MORE, |sample| sample.provider.clone()), (0, 1_406));
}

/// An account may go to any provider under the profile generic: what a failure is about must be found without knowing whose it is,
/// but for a few of which only the provider's own rules can know.
#[test]
fn most_classes_are_found_without_knowing_the_provider() {
    let book = RuleBook::built_in().unwrap();
    let samples = REAL.lines().chain(MORE.lines());
    let samples: Vec<Sample> = samples
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let is_found = |sample: &&Sample| {
        let mut sample = (*sample).clone();
        sample.provider = "generic".to_owned();
        verdict(&book, &sample).0.class == sample.expect.class
    };
    let found = samples.iter().filter(is_found).count();
    assert!(
        found * 100 >= samples.len() * 97,
        "{found} of {}",
        samples.len()
    );
}
