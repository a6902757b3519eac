//! What there is to tell of rotations.

use super::{short, time};
use crate::domain::alerts::view::{Ailment, RotationFact};
use crate::domain::alerts::{Condition, Kind};
use crate::domain::name::KeyName;
use crate::domain::time::Timestamp;

pub(in crate::domain::alerts) fn rotation_due(key: &KeyName, at: Timestamp) -> Condition {
    let summary = format!("{key} has to be rotated by {}", time(at));
    Condition::new(Kind::RotationDue, key, summary, rotate(key), Some(at))
}

pub(in crate::domain::alerts) fn rotation_overdue(key: &KeyName, at: Timestamp) -> Condition {
    let summary = format!("{key} should have been rotated by {}", time(at));
    Condition::new(Kind::RotationOverdue, key, summary, rotate(key), None)
}

fn rotate(key: &KeyName) -> String {
    let short = short(key);
    format!(
        "make a new secret at the provider and rotate it in (`keylease keys rotate {short}`), or set a longer rotation interval"
    )
}

pub(in crate::domain::alerts) fn rotation_failed(fact: &RotationFact) -> Condition {
    let (name, key) = (&fact.rotation, short(&fact.rotation.key));
    let (id, step, why) = (&name.rotation, fact.step.as_str(), &fact.why);
    let (summary, remedy) = match fact.ailment {
        Ailment::Held => (
            format!("{name} waits for a person ({step}): {why}"),
            format!(
                "mend the cause and go on (`keylease rotations retry {key}/{id}`), or give it up (`keylease rotations cancel {key}/{id}`)"
            ),
        ),
        Ailment::InVain => (
            format!("{name} has been tried in vain for an hour ({step}): {why}"),
            format!(
                "mend the rotator, which is asked again within five minutes, or at once (`keylease rotations retry {key}/{id}`); or give it up (`keylease rotations cancel {key}/{id}`)"
            ),
        ),
        Ailment::Undone => (
            format!(
                "{name} was rolled back: its new version died, and the previous one works and is current again"
            ),
            format!(
                "find out at the provider why the new secret is no good, then rotate another one in (`keylease keys rotate {key}`)"
            ),
        ),
    };
    Condition::new(Kind::RotationFailed, name, summary, remedy, None)
}
