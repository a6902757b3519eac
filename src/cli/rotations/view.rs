//! Rotations as tables.

use crate::cli::keys::version_number;
use crate::cli::{names, output, table, words};
use crate::proto::Rotation;

/// One rotation.
pub(crate) fn one(rotation: &Rotation) -> String {
    output::details(&[
        ("name", rotation.name.clone()),
        ("step", step(rotation)),
        ("since", since(rotation)),
        ("waits for", waits_for(rotation)),
        ("last try", words::printable(&rotation.detail)),
        ("tries", rotation.attempts.to_string()),
        ("from", rotation.from_version.clone()),
        ("to", rotation.to_version.clone()),
        (
            "secret by",
            words::enum_value(rotation.origin().as_str_name(), "ROTATION_ORIGIN"),
        ),
        ("grace", words::proto_duration(rotation.grace.as_ref())),
        ("reason", words::printable(&rotation.reason)),
        ("began", words::time(rotation.create_time.as_ref())),
        ("moved", words::time(rotation.update_time.as_ref())),
    ])
}

/// The rotations of a key.
pub(super) fn list(rotations: &[Rotation]) -> String {
    let rows = rotations.iter().map(|rotation| {
        vec![
            names::split(&rotation.name).1.to_owned(),
            step(rotation),
            since(rotation),
            version_number(&rotation.from_version),
            version_number(&rotation.to_version),
            words::time(rotation.create_time.as_ref()),
            words::printable(&rotation.reason),
        ]
    });
    let header = ["ROTATION", "STEP", "SINCE", "FROM", "TO", "BEGAN", "REASON"];
    table::list(&header, rows, "no rotations")
}

fn step(rotation: &Rotation) -> String {
    let step = words::enum_value(rotation.step().as_str_name(), "ROTATION_STEP");
    match (rotation.held, rotation.rolled_back_by_itself) {
        (true, _) => format!("{step} (HELD)"),
        (false, true) => format!("{step} by itself"),
        (false, false) => step,
    }
}

fn since(rotation: &Rotation) -> String {
    words::ago(rotation.step_time.as_ref(), &words::now())
}

/// What its next step needs.
fn waits_for(rotation: &Rotation) -> String {
    if rotation.held {
        let short = words::printable(&rotation.name);
        return format!(
            "a person: `keylease rotations retry {short}`, or `keylease rotations cancel {short}`"
        );
    }
    match rotation.next_attempt_time.as_ref() {
        Some(next) => format!("the next try, {}", words::ahead(Some(next), &words::now())),
        None => words::NOTHING.into(),
    }
}
