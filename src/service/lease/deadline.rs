//! When a call must be answered.

use std::time::Duration;

use tonic::metadata::MetadataMap;

use crate::domain::time::BootTime;

/// A call is answered this long before its deadline, so that the answer still arrives.
const DEADLINE_MARGIN: Duration = Duration::from_millis(20);

/// When a call must be answered, by its `grpc-timeout`.
pub(super) fn deadline(metadata: &MetadataMap, received: BootTime) -> Option<BootTime> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    let timeout = match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    let margin = DEADLINE_MARGIN.min(timeout / 2);
    Some(received.after(timeout - margin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_of_all_units_are_read_and_nonsense_is_none() {
        let at = |text: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            deadline(&metadata, BootTime::default())
        };
        assert_eq!(at("1S"), Some(BootTime::from_nanos(980_000_000)));
        assert_eq!(at("10m"), Some(BootTime::from_nanos(5_000_000)));
        for nonsense in ["", "S", "1", "1x", "-1S", "999999999S", "ü"] {
            if let Ok(value) = nonsense.parse::<tonic::metadata::AsciiMetadataValue>() {
                let mut metadata = MetadataMap::new();
                metadata.insert("grpc-timeout", value);
                assert_eq!(deadline(&metadata, BootTime::default()), None, "{nonsense}");
            }
        }
    }
}
