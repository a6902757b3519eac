//! Durations with bounds.

use std::{ops::RangeInclusive, time::Duration};

/// Parses `text` such as `90s` or `5m`, which variable `name` holds.
pub(super) fn parse(
    name: &str,
    text: &str,
    bounds: &RangeInclusive<Duration>,
) -> Result<Duration, String> {
    let (least, most) = (
        humantime::format_duration(*bounds.start()),
        humantime::format_duration(*bounds.end()),
    );
    let found = humantime::parse_duration(text.trim()).map_err(|_| {
        format!("{name} is {text:?}, which is no duration: write it like 90s or 5m, from {least} to {most}")
    })?;
    if !bounds.contains(&found) {
        return Err(format!(
            "{name} is {}, outside {least} to {most}: choose a duration within",
            humantime::format_duration(found)
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_outside_its_bounds_is_refused_with_them() {
        let bounds = Duration::from_secs(10)..=Duration::from_secs(3600);
        assert_eq!(parse("X", "5m", &bounds), Ok(Duration::from_secs(300)));
        let refused = |text| parse("X", text, &bounds).unwrap_err();
        assert_eq!(
            refused("9s"),
            "X is 9s, outside 10s to 1h: choose a duration within"
        );
        assert!(refused("soon").contains("no duration: write it like 90s or 5m"));
        assert!(refused("5").contains("no duration"));
    }
}
