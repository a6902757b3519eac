//! Limits on the wire, and every field that may be wrong.

use super::*;
use crate::vault::Refusal;

fn create(limit: v1::Limit) -> Result<NewLimit, Refusal> {
    let mut faults = Faults::default();
    let limit = new_limit(&mut faults, limit);
    faults.finish(limit)
}

fn update(limit: v1::Limit, wanted: impl Fn(&str) -> bool) -> Result<LimitDraft, Refusal> {
    let mut faults = Faults::default();
    let draft = draft(&mut faults, limit, wanted);
    faults.finish(Some(draft))
}

fn rolling(seconds: i64) -> Option<Window> {
    Some(Window::Rolling(prost_types::Duration { seconds, nanos: 0 }))
}

fn per_minute() -> v1::Limit {
    v1::Limit {
        dimension: v1::LimitDimension::Requests.into(),
        amount: 600,
        window: rolling(60),
        ..v1::Limit::default()
    }
}

fn fields_at_fault(limit: v1::Limit) -> Vec<String> {
    match create(limit) {
        Err(Refusal::Fields(faults)) => faults.into_iter().map(|f| f.field).collect(),
        Err(Refusal::NotBuilt { field, .. }) => vec![format!("not built: {field}")],
        Err(other) => vec![other.to_string()],
        Ok(_) => vec![],
    }
}

#[test]
fn a_plain_limit_inherits_its_times() {
    let limit = create(per_minute()).unwrap();
    assert_eq!(limit.dimension, Dimension::Requests);
    assert_eq!(limit.amount, 600);
    assert_eq!(limit.span, Span::Rolling(Duration::from_mins(1)));
    let rest = LimitDraft {
        models: Some(vec![]),
        validity: Some(None),
        start_within: Some(None),
        blackout: Some(None),
        lease_duration_max: Some(None),
        offline: Some(None),
        mode: Some(Mode::Enforce),
        ..LimitDraft::default()
    };
    assert_eq!(limit.rest, rest);
}

#[test]
fn an_empty_limit_names_all_that_is_required() {
    assert_eq!(
        fields_at_fault(v1::Limit::default()),
        ["limit.dimension", "limit.amount", "limit.rolling"]
    );
}

#[test]
fn bounds_are_kept_on_both_sides() {
    for amount in [i64::MIN, -1, 0, 1_000_000_000_001, i64::MAX] {
        let limit = v1::Limit {
            amount,
            ..per_minute()
        };
        assert_eq!(fields_at_fault(limit), ["limit.amount"], "{amount}");
    }
    for seconds in [i64::MIN, -1, 0, 30 * 86_400 + 1, i64::MAX] {
        let limit = v1::Limit {
            window: rolling(seconds),
            ..per_minute()
        };
        assert_eq!(fields_at_fault(limit), ["limit.rolling"], "{seconds}");
    }
    for (amount, seconds) in [(1, 1), (1_000_000_000_000, 30 * 86_400)] {
        let limit = v1::Limit {
            amount,
            window: rolling(seconds),
            ..per_minute()
        };
        assert!(create(limit).is_ok());
    }
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let millis = |millis: i32| {
        Some(prost_types::Duration {
            seconds: 0,
            nanos: millis * 1_000_000,
        })
    };
    let limit = v1::Limit {
        models: vec!["ok*".to_owned(), String::new(), "[".to_owned()],
        mode: 9,
        block_validity: millis(9),
        start_within: millis(0),
        blackout_max: Some(prost_types::Duration {
            seconds: 3_601,
            nanos: 0,
        }),
        ..per_minute()
    };
    assert_eq!(
        fields_at_fault(limit),
        [
            "limit.models[1]",
            "limit.models[2]",
            "limit.mode",
            "limit.block_validity",
            "limit.start_within",
            "limit.blackout_max",
        ]
    );
}

fn daily(time_zone: &str) -> v1::Limit {
    v1::Limit {
        window: Some(Window::Calendar(v1::CalendarWindow {
            period: v1::CalendarPeriod::Day.into(),
            time_zone: time_zone.to_owned(),
        })),
        ..per_minute()
    }
}

#[test]
fn a_calendar_needs_a_period_and_a_zone_that_exist() {
    let span = create(daily("europe/berlin")).unwrap().span;
    let Span::Calendar(calendar) = span else {
        unreachable!("{span:?}")
    };
    assert_eq!(calendar.zone.as_str(), "Europe/Berlin");
    for zone in ["", "Mars/Olympus", "UTC+2", "../../etc/passwd"] {
        assert_eq!(
            fields_at_fault(daily(zone)),
            ["limit.calendar.time_zone"],
            "{zone}"
        );
    }
    let empty = v1::Limit {
        window: Some(Window::Calendar(v1::CalendarWindow::default())),
        ..per_minute()
    };
    assert_eq!(
        fields_at_fault(empty),
        ["limit.calendar.period", "limit.calendar.time_zone"]
    );
}

#[test]
fn concurrency_has_no_window_and_a_longest_lease() {
    let concurrency = v1::Limit {
        dimension: v1::LimitDimension::Concurrency.into(),
        window: None,
        ..per_minute()
    };
    let span = create(concurrency.clone()).unwrap().span;
    assert_eq!(span, Span::Held(Duration::from_mins(10)));
    let longest = |seconds| v1::Limit {
        lease_duration_max: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..concurrency.clone()
    };
    assert_eq!(
        create(longest(3_600)).unwrap().span,
        Span::Held(Duration::from_hours(1))
    );
    for seconds in [i64::MIN, -1, 0, 3_601, i64::MAX] {
        let fields = fields_at_fault(longest(seconds));
        assert_eq!(fields[0], "limit.lease_duration_max", "{seconds}");
    }
    let days = v1::CalendarWindow {
        period: v1::CalendarPeriod::Day.into(),
        time_zone: "UTC".to_owned(),
    };
    for (window, field) in [
        (rolling(60), "limit.rolling"),
        (Some(Window::Calendar(days)), "limit.calendar"),
    ] {
        let windowed = v1::Limit {
            window,
            ..concurrency.clone()
        };
        assert_eq!(fields_at_fault(windowed), [field]);
    }
}

#[test]
fn every_dimension_and_mode_is_known() {
    for number in 1..=5 {
        let limit = v1::Limit {
            dimension: number,
            mode: v1::LimitMode::Shadow.into(),
            ..per_minute()
        };
        let limit = create(limit).unwrap();
        assert_eq!(limit.rest.mode, Some(Mode::Shadow));
    }
    let unknown = v1::Limit {
        dimension: 7,
        ..per_minute()
    };
    assert_eq!(fields_at_fault(unknown), ["limit.dimension"]);
}

#[test]
fn an_update_looks_at_what_is_wanted_only() {
    let limit = v1::Limit {
        amount: 7,
        mode: v1::LimitMode::Shadow.into(),
        ..v1::Limit::default()
    };
    let expected = LimitDraft {
        amount: Some(7),
        ..LimitDraft::default()
    };
    assert_eq!(
        update(limit.clone(), |field| field == "amount"),
        Ok(expected)
    );
    let Err(Refusal::Fields(faults)) = update(limit, |field| field == "rolling") else {
        unreachable!("the window is missing")
    };
    assert_eq!(faults[0].field, "limit.rolling");
}

#[test]
fn a_huge_list_of_models_is_one_fault() {
    let limit = v1::Limit {
        models: vec!["[".to_owned(); 100_000],
        ..per_minute()
    };
    assert_eq!(fields_at_fault(limit), ["limit.models"]);
}
