//! Delays in the fields of a body: `retryDelay`, `resets_in_seconds`, `estimated_time`, and headers that a router passes on as fields.

use std::time::Duration;

use super::amount::{self, Bare};
use super::headers::moment;
use super::{Clock, believed, instant};
use crate::domain::classify::scan::Field;

/// Fields with a length of time, in seconds unless they say otherwise. Without signs, lower case.
const SECONDS: [&str; 22] = [
    "backoff",
    "cooldownseconds",
    "estimatedtime",
    "quotaresetdelay",
    "resetafter",
    "resetafterseconds",
    "resetin",
    "resetinseconds",
    "resetseconds",
    "resetsin",
    "resetsinseconds",
    "retryafter",
    "retryafterseconds",
    "retryaftersecs",
    "retrydelay",
    "retryin",
    "retryinseconds",
    "secondsuntilreset",
    "timeuntilreset",
    "waitseconds",
    "waittime",
    "xratelimitresetafter",
];
/// Fields with a length of time in milliseconds.
const MILLISECONDS: [&str; 7] = [
    "msbeforenext",
    "resetinms",
    "resetsinms",
    "retryaftermilliseconds",
    "retryafterms",
    "retrydelayms",
    "waitms",
];
/// Fields with a point in time.
const POINTS: [&str; 14] = [
    "availableat",
    "nextreset",
    "nextresettime",
    "quotaresettimestamp",
    "ratelimitreset",
    "reset",
    "resetat",
    "resetdate",
    "resets",
    "resetsat",
    "resettime",
    "retryat",
    "unblockat",
    "xratelimitreset",
];

/// What the fields state; the longest counts.
pub(super) fn told(fields: &[Field], clock: Clock) -> Option<Duration> {
    let read = fields.iter().filter_map(|field| of(field, clock));
    read.filter_map(believed).max()
}

fn of(field: &Field, clock: Clock) -> Option<Duration> {
    let letters = field.name().chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.collect();
    let name = name.as_str();
    if SECONDS.contains(&name) {
        return moment(&field.value, Bare::Seconds, clock);
    }
    if MILLISECONDS.contains(&name) {
        return amount::whole(&field.value, Bare::Milliseconds);
    }
    let at = POINTS.contains(&name).then_some(&field.value)?;
    clock.until(instant::any(at, clock.zone_hours)?)
}
