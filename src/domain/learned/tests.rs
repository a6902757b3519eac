use super::*;
use crate::domain::id::Id;
use crate::domain::limit::{Mode, Owner};

const MINUTE: Duration = Duration::from_mins(1);

fn limit(amount: u64, models: &[&str], window: Duration) -> Limit {
    let now = Timestamp::from_micros(0);
    Limit {
        uid: Uuid::nil(),
        rev: 1,
        owner: Owner::Account(Uuid::nil()),
        id: Id::parse("id", "l").unwrap(),
        create_time: now,
        update_time: now,
        dimension: Dimension::Requests,
        amount,
        span: Span::Rolling(window),
        models: models
            .iter()
            .map(|model| Pattern::parse("models", model).unwrap())
            .collect(),
        mode: Mode::Enforce,
        validity: None,
        start_within: None,
        blackout: None,
        offline: None,
    }
}

fn stated(amount: u64, model: &str) -> Learned {
    Learned {
        budget: BudgetName {
            dimension: Dimension::Requests,
            model: model.to_owned(),
            window: MINUTE,
        },
        amount,
        witnesses: vec![Uuid::nil()],
        leases: 1,
        first_seen: Timestamp::from_micros(0),
        last_seen: Timestamp::from_micros(0),
    }
}

#[test]
fn a_statement_is_about_the_limit_of_its_model_and_window() {
    let limits = [
        limit(1_000, &[], MINUTE),
        limit(400, &["gpt-5*"], MINUTE),
        limit(300, &["gpt-5-mini"], MINUTE),
        limit(5, &[], Duration::from_secs(1)),
    ];
    let about = |stated: Learned| stated.limit_of(limits.iter()).map(|limit| limit.amount);
    assert_eq!(about(stated(500, "")), Some(1_000));
    assert_eq!(about(stated(500, "gpt-5")), Some(400));
    assert_eq!(about(stated(500, "gpt-5-mini")), Some(300));
    // A budget of one model is none of the limit of all, unless that lets the model pass it.
    assert_eq!(about(stated(500, "o4")), Some(1_000));
    assert_eq!(about(stated(1_000, "o4")), None);
    let mut day = stated(500, "");
    day.budget.window = Duration::from_hours(24);
    assert_eq!(about(day), None);
}

#[test]
fn one_report_is_no_proof_and_one_caller_only_where_there_is_no_other() {
    let mut it = stated(500, "");
    assert!(!it.is_confirmed(1));
    it.leases = 2;
    assert!(it.is_confirmed(1) && it.is_confirmed(0) && !it.is_confirmed(2));
    it.witnesses.push(Uuid::from_u128(1));
    it.leases = 1;
    assert!(it.is_confirmed(2));
}

#[test]
fn what_is_adopted_is_lower_and_no_less_than_half_of_a_person_s_word() {
    for (amount, base, stated, expected) in [
        (1_000, 1_000, 600, Some(600)),
        (1_000, 1_000, 1, Some(500)),
        (500, 1_000, 1, None),
        (1_000, 1_000, 1_000, None),
        (1_000, 1_000, u64::MAX, None),
        (600, 1_000, 550, Some(550)),
        (3, 3, 1, Some(2)),
        (1, 1, 0, None),
    ] {
        assert_eq!(
            adopted(amount, base, stated),
            expected,
            "{amount} {base} {stated}"
        );
    }
}
