//! Tests of `hindrance_messages.rs`, through the status that carries them.

use std::sync::Arc;

use tonic::Status;
use tonic_types::StatusExt;
use uuid::Uuid;

use super::*;
use crate::domain::disablement::Disablement;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::hindrance::LIMITS_NAMED_MAX;
use crate::domain::id::{ID_BYTES_MAX, Id};
use crate::domain::limit::Mode;
use crate::domain::limit::{Dimension, Owner};
use crate::domain::models::Pattern;
use crate::domain::name::{LimitName, OwnerName};
use crate::domain::refusal::{LeaseRefusal, Tally};
use crate::domain::terms::Span;
use crate::service::status;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn after(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

fn limited(refusal: KeyRefusal, account: &str, models: &[String]) -> Hindrance {
    let id = Id::parse("id", account).unwrap();
    let limit = Limit {
        uid: Uuid::nil(),
        rev: 1,
        owner: Owner::Account(Uuid::nil()),
        id: id.clone(),
        create_time: NOW,
        update_time: NOW,
        dimension: Dimension::InputTokens,
        amount: 5_000,
        span: Span::Rolling(Duration::from_mins(1)),
        mode: Mode::Enforce,
        models: models
            .iter()
            .map(|m| Pattern::parse("m", m).unwrap())
            .collect(),
        validity: None,
        start_within: None,
        blackout: None,
        offline: None,
    };
    let waits = !matches!(refusal, KeyRefusal::TooLarge | KeyRefusal::ModelRequired);
    Hindrance::Limit(LimitHindrance {
        refusal,
        name: LimitName {
            owner: OwnerName::Account(id.clone()),
            limit: id,
        },
        limit: Arc::new(limit),
        needed: 700,
        clears: waits.then(|| after(42)),
        no_price: None,
    })
}

fn refused(hindrances: Vec<Hindrance>) -> Status {
    let mut tally = Tally::default();
    for hindrance in &hindrances {
        let retry = match hindrance {
            Hindrance::Limit(limit) => limit.clears,
            Hindrance::Ailing { cause, .. } => Some(cause.until),
            Hindrance::Disabled { word, .. } => word.until,
        };
        tally.add(hindrance.refusal(), retry);
    }
    status::of_lease_refusal(&LeaseRefusal::NoKey(tally, hindrances), NOW)
}

fn said(hindrance: Hindrance) -> String {
    refused(vec![hindrance]).message().to_owned()
}

#[test]
fn each_limit_is_a_violation_with_its_bound_its_need_and_its_end() {
    let status = refused(vec![
        limited(KeyRefusal::Limit, "a", &[]),
        limited(KeyRefusal::Limit, "b", &["gpt-4*".into(), "o1".into()]),
    ]);
    let details = status.get_error_details();
    let violations = &details.quota_failure().unwrap().violations;
    assert_eq!(violations[0].subject, "accounts/a/limits/a");
    assert_eq!(
        violations[0].description,
        "allows 5000 input tokens in any 1m, one use needs 700, free in 42s"
    );
    assert_eq!(violations[1].subject, "accounts/b/limits/b");
    assert!(
        violations[1]
            .description
            .contains("of models gpt-4* and 1 more")
    );
    assert_eq!(
        status.message(),
        "no key can serve: 2 keys at a limit of the account (accounts/a/limits/a allows 5000 input tokens in any 1m, \
         one use needs 700, free in 42s; 1 more limit in the details); the earliest can serve in 42s: \
         wait, or have an administrator raise the limit or add an account to the pool"
    );
}

#[test]
fn what_is_held_may_come_back_at_any_time() {
    let Hindrance::Limit(mut held) = limited(KeyRefusal::Limit, "a", &[]) else {
        panic!("no limit")
    };
    let limit = Limit {
        dimension: Dimension::Concurrency,
        span: Span::Held(Duration::from_mins(10)),
        ..(*held.limit).clone()
    };
    held.limit = Arc::new(limit);
    let said = said(Hindrance::Limit(held));
    for words in ["free in 42s at the latest", "as soon as one ends"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_is_frozen_says_why_and_until_when_and_that_there_is_nothing_to_do() {
    let said = said(limited(KeyRefusal::Frozen, "a", &[]));
    for words in [
        "accounts/a/limits/a",
        "is frozen for 42s: the database lost writes",
        "nothing to do but wait",
        "Failover",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_use_that_never_fits_and_a_model_that_is_missing_name_limit_field_and_need() {
    let status = refused(vec![limited(KeyRefusal::TooLarge, "a", &[])]);
    assert!(
        status.message().contains(
            "accounts/a/limits/a allows 5000 input tokens in any 1m, and one use needs 700"
        )
    );
    assert!(
        status
            .message()
            .contains("waiting will not help: estimate less")
    );
    let details = status.get_error_details();
    assert_eq!(
        details.bad_request().unwrap().field_violations[0].field,
        "estimate"
    );

    let status = refused(vec![limited(
        KeyRefusal::ModelRequired,
        "a",
        &["o1".into()],
    )]);
    assert!(
        status
            .message()
            .contains("of models o1, and the call names no model")
    );
    let details = status.get_error_details();
    assert_eq!(
        details.bad_request().unwrap().field_violations[0].field,
        "model"
    );
}

#[test]
fn what_cools_down_or_is_disabled_says_until_when_and_why() {
    let cooling = said(Hindrance::Ailing {
        refusal: KeyRefusal::Cooling,
        resource: "accounts/a".to_owned(),
        cause: Cause {
            until: after(60),
            why: "rate_limit (http 429, status/429)".to_owned(),
            class: FailureClass::RateLimit,
            accuser: None,
            tried: None,
            strikes: 0,
        },
    });
    assert!(
        cooling
            .contains("(accounts/a until 2027-01-15T08:01:00Z: rate_limit (http 429, status/429))"),
        "{cooling}"
    );
    let disabled = said(Hindrance::Disabled {
        resource: "accounts/a/keys/k".to_owned(),
        word: Disablement {
            why: "leaked".to_owned(),
            since: NOW,
            until: None,
            by: "callers/ana".to_owned(),
        },
    });
    assert!(
        disabled.contains("(accounts/a/keys/k: leaked)"),
        "{disabled}"
    );
    assert!(disabled.contains("ask an operator"), "{disabled}");
}

#[test]
fn the_longest_list_of_limits_fits_the_headers_that_clients_take() {
    let longest = "a".repeat(ID_BYTES_MAX);
    let models = vec!["m".repeat(256); 64];
    let status = refused(vec![
        limited(KeyRefusal::Frozen, &longest, &models);
        LIMITS_NAMED_MAX
    ]);
    let header_bytes = status.details().len() * 4 / 3 + status.message().len();
    assert!(header_bytes < 7 * 1024, "{header_bytes}");
}

#[test]
fn times_that_no_calendar_has_are_no_panic() {
    assert_eq!(time(Timestamp::from_micros(i64::MAX)), "the end of time");
    assert_eq!(time(NOW), "2027-01-15T08:00:00Z");
}
