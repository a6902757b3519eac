//! Between columns and domain types: times, durations, disablements, and what to say of a row that does not parse.

use std::time::Duration;

use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::error::Error;
use crate::domain::disablement::Disablement;
use crate::domain::field::Parsed;
use crate::domain::time::Timestamp;

/// The name of a version, from columns of three tables.
pub(super) fn version_name(account_id: &str, key_id: &str, number: i32) -> String {
    format!("accounts/{account_id}/keys/{key_id}/versions/{number}")
}

/// A column's time.
pub(crate) fn timestamp(time: OffsetDateTime) -> Timestamp {
    let micros = time.unix_timestamp_nanos() / 1_000;
    Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// A time for a column; one that the column cannot hold becomes the nearest that it can.
pub(crate) fn offset(time: Timestamp) -> OffsetDateTime {
    let nanos = i128::from(time.micros()) * 1_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(if nanos < 0 {
        OffsetDateTime::UNIX_EPOCH
    } else {
        sqlx::types::time::PrimitiveDateTime::MAX.assume_utc()
    })
}

/// A column of whole seconds.
pub(crate) fn seconds(column: Option<i64>) -> Option<Duration> {
    column.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// For a column of whole seconds.
pub(crate) fn as_seconds(duration: Option<Duration>) -> Option<i64> {
    duration.map(|d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

/// A column of milliseconds.
pub(crate) fn millis(column: Option<i64>) -> Option<Duration> {
    column.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

/// For a column of milliseconds.
pub(crate) fn as_millis(duration: Option<Duration>) -> Option<i64> {
    duration.map(|d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

/// Four columns that are all null, or but for the end all set.
pub(crate) fn disablement(
    why: Option<String>,
    since: Option<OffsetDateTime>,
    until: Option<OffsetDateTime>,
    by: Option<String>,
) -> Option<Disablement> {
    // Whoever empties one of them by hand fails the row's MAC; what is missing here must not make the row look enabled.
    if why.is_none() && since.is_none() && by.is_none() {
        return None;
    }
    Some(Disablement {
        why: why.unwrap_or_default(),
        since: since.map_or(Timestamp::from_micros(0), timestamp),
        until: until.map(timestamp),
        by: by.unwrap_or_default(),
    })
}

/// A column of a count.
pub(crate) fn unsigned(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// For a column of a count.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A table, and the row of it that is being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// The table.
    pub(crate) table: &'static str,
    /// The row.
    pub(crate) uid: Uuid,
}

impl Reading {
    /// What a column says, by the parser of its type.
    pub(crate) fn parsed<T>(self, parsed: Parsed<T>) -> super::Result<T> {
        parsed.map_err(|error| self.corrupt(format!("{} {}", error.field, error.message)))
    }

    /// What a column says, if the word is known.
    pub(crate) fn known<T>(self, column: &str, found: Option<T>) -> super::Result<T> {
        found.ok_or_else(|| self.corrupt(format!("{column} is unknown")))
    }

    /// A number that this release could have written.
    pub(crate) fn number<T, N: TryInto<T>>(self, column: &str, value: N) -> super::Result<T> {
        self.known(column, value.try_into().ok())
    }

    fn corrupt(self, what: String) -> Error {
        Error::Corrupt {
            table: self.table,
            uid: self.uid.to_string(),
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_the_way_to_a_column_and_back() {
        for micros in [0, 1, -1, 1_800_000_000_123_456] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(timestamp(offset(time)), time);
        }
    }

    #[test]
    fn a_time_beyond_the_column_is_its_last() {
        let far = timestamp(offset(Timestamp::from_micros(i64::MAX)));
        assert!(far > Timestamp::from_micros(200_000_000_000_000_000));
    }
}
