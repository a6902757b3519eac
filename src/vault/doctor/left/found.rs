//! What is told of a row that is not as it was left.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::history::time;
use super::super::{Kind, Report};
use crate::domain::rows_left::RowTable;
use crate::store::audit_records::AuditRecord;

/// A row that is not as it was left, and the number of the record that says so.
pub(super) struct Found {
    pub(super) sequence: i64,
    pub(super) table: RowTable,
    pub(super) uid: Uuid,
    pub(super) what: What,
}

pub(super) enum What {
    /// It is there, and another.
    Other(String),
    /// It is there again.
    Back(String),
    Gone,
    /// It is there as a change of that number left it, which had found another.
    Overwritten(String, i64),
}

impl Found {
    /// The numbers of the records that it is told by.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i64> + use<> {
        let by = match self.what {
            What::Overwritten(_, by) => Some(by),
            What::Other(_) | What::Back(_) | What::Gone => None,
        };
        std::iter::once(self.sequence).chain(by)
    }

    /// Tells it, by the records whose numbers were looked up: none beyond those that are named.
    pub(super) fn tell(self, records: &HashMap<i64, AuditRecord>, report: &mut Report) {
        let record = records.get(&self.sequence);
        let change = record.map_or_else(|| format!("change {}", self.sequence), change);
        match self.what {
            What::Other(name) => {
                let detail = format!(
                    "it is not as {change} left it: an older row was put back, or its stage was edited; make that change once more"
                );
                report.find(Kind::RowBack, name, detail);
            }
            What::Back(name) => {
                let detail =
                    format!("{change} removed it, and its row was put back: remove it once more");
                report.find(Kind::RowBack, name, detail);
            }
            What::Overwritten(name, by) => {
                let by = records
                    .get(&by)
                    .map_or_else(|| format!("change {by}"), self::change);
                let detail = format!(
                    "{by} found it otherwise than {change} had left it: an older row had been put back, and counts since; see what it says, \
                     and make the change once more that was undone"
                );
                report.find(Kind::RowBack, name, detail);
            }
            What::Gone => {
                let (table, uid) = (self.table.as_str(), self.uid);
                let name = match record {
                    Some(record) => format!("{} (table {table}, uid {uid})", record.resource),
                    None => format!("table {table}, uid {uid}"),
                };
                let detail = format!(
                    "{change} left it, and its row is gone though no later change removed it: restore it from a backup, or make it anew"
                );
                report.find(Kind::RowGone, name, detail);
            }
        }
    }
}

/// A change, so that it is found in the audit.
fn change(record: &AuditRecord) -> String {
    format!(
        "change {} ({} of {} by {} at {})",
        record.sequence,
        record.method,
        record.resource,
        record.caller,
        time(record.record_time)
    )
}

/// Rows of which the records do not say enough.
pub(super) fn notes(unknown: u64, unsure: u64, report: &mut Report) {
    if unknown > 0 {
        report.notes.push(format!(
            "of {unknown} rows no change is on record that says what it left: an earlier release made it, or it was removed for its age; \
             an older row that was put back in their place is not seen"
        ));
    }
    if unsure > 0 {
        report.notes.push(format!(
            "{unsure} rows are not as the last change on record left them, and later records were removed for their age, or an earlier release \
             has made changes since, so they were not judged"
        ));
    }
}

/// Rows that were changed onto an older one, and again since by whoever saw what was there.
pub(super) fn overcome(rows: u64, report: &mut Report) {
    if rows > 0 {
        report.notes.push(format!(
            "{rows} rows were changed once when they were not what the change before had left, and have been changed again since"
        ));
    }
}
