//! How short the machine is of processors. It says whether a share that is missing is missing for want of time.

use std::time::Duration;

/// For how long something has waited for a processor since the machine began, where the machine knows.
pub(crate) fn waited() -> Option<Duration> {
    let pressure = std::fs::read_to_string("/proc/pressure/cpu").ok()?;
    let total = pressure.lines().next()?.split("total=").nth(1)?;
    total.trim().parse().ok().map(Duration::from_micros)
}
