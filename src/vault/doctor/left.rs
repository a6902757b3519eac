//! Rows that are not as the last change of them left them, as the audit has it: whole older rows that were put back, MAC and all, rows
//! that were removed and are there again, and rows that are gone.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Kind, NAMED_MAX, Names, Report};
use crate::domain::chain::Link;
use crate::domain::rows_left::{LastWords, Overwritten, RowState, RowTable, Verdict};
use crate::store;
use crate::store::audit_records::{self, AuditRecord};
use crate::store::changes::Changes;
use crate::vault::VaultKeys;
use crate::vault::audit::verify::proven_changes;

mod found;
mod present;

use found::{Found, What, notes, overcome};

/// What is set against the records, and what came of it.
struct Comparison {
    words: LastWords,
    /// Rows that are there and cannot be read.
    unread: HashSet<(RowTable, Uuid)>,
    /// Accounts, pools and callers that are there: what goes with one of them is not missed without it.
    owners: HashSet<Uuid>,
    unknown: u64,
    unsure: u64,
    recorded: u64,
    found: Vec<Found>,
    /// Rows that were changed when they were not what the change before had left.
    overwritten: HashMap<(RowTable, Uuid), Overwritten>,
    /// Of those the ones that were changed again since.
    overcome: u64,
}

/// Sets every row against the records, within the transaction that has read `changes`: both are of one moment.
pub(super) async fn check(
    keys: &VaultKeys,
    conn: &mut PgConnection,
    changes: &Changes,
    names: &Names,
    report: &mut Report,
) -> store::Result<()> {
    let mut words = LastWords::default();
    let take = |record: &AuditRecord, link: &Link| {
        words.take(link.writer, record.sequence, record.rows.as_deref());
    };
    let audit = proven_changes(conn, &keys.audit, take).await?;
    if !audit.intact {
        let detail = format!(
            "{} things are wrong with it, `keylease audit verify` names them: whether rows are as those changes left them whose records are \
             gone, or are not what was written, nobody can tell",
            audit.findings_total
        );
        report.find(Kind::AuditNotIntact, "the audit", detail);
    }
    revisions(&words, changes, report);
    let mut comparison = Comparison {
        overwritten: words.overwritten(),
        overcome: 0,
        words,
        unread: present::unread(changes),
        owners: HashSet::new(),
        unknown: 0,
        unsure: 0,
        recorded: 0,
        found: Vec::new(),
    };
    comparison.rows(conn, changes, names).await?;
    comparison.tell(conn, report).await
}

/// Revisions only grow, in the audit as well as in the table of the cluster, with which each record was committed.
fn revisions(words: &LastWords, changes: &Changes, report: &mut Report) {
    if words.rev() > changes.rev {
        let detail = format!(
            "its revision is {}, and the audit has a change of revision {}: an older row of cluster was put back",
            changes.rev,
            words.rev()
        );
        report.find(Kind::WentBack, "the table cluster", detail);
    }
    if words.disorders() > 0 {
        report.unchecked.push(format!(
            "which of some changes came last: their revisions went back {} times while a replica wrote, as the table cluster was set back",
            words.disorders()
        ));
    }
}

impl Comparison {
    /// A row that is there; `state` is its MAC, or what stands for that.
    fn row(&mut self, table: RowTable, uid: Uuid, state: &[u8], name: impl FnOnce() -> String) {
        if self.unread.contains(&(table, uid)) {
            return;
        }
        let (sequence, what) = match self.words.judge(table, uid, RowState::of(state)) {
            Verdict::AsLeft => match self.overwritten.remove(&(table, uid)) {
                Some(Overwritten {
                    left,
                    by,
                    is_last: true,
                }) => (left, What::Overwritten(name(), by)),
                overcome => {
                    self.recorded += 1;
                    self.overcome += u64::from(overcome.is_some());
                    return;
                }
            },
            Verdict::Unknown => {
                self.unknown += 1;
                return;
            }
            Verdict::Unsure => {
                self.unsure += 1;
                return;
            }
            Verdict::Other(sequence) => (sequence, What::Other(name())),
            Verdict::Back(sequence) => (sequence, What::Back(name())),
        };
        self.recorded += 1;
        self.found.push(Found {
            sequence,
            table,
            uid,
            what,
        });
    }

    /// All that are there were looked at: the others are missing.
    async fn tell(mut self, conn: &mut PgConnection, report: &mut Report) -> store::Result<()> {
        for (table, uid, sequence) in self.words.missing() {
            let is_owned = matches!(
                table,
                RowTable::Members | RowTable::Grants | RowTable::Rotators
            );
            if self.unread.contains(&(table, uid)) || (is_owned && !self.owners.contains(&uid)) {
                continue;
            }
            match sequence {
                None => self.unsure += 1,
                Some(sequence) => self.found.push(Found {
                    sequence,
                    table,
                    uid,
                    what: What::Gone,
                }),
            }
        }
        report.recorded = self.recorded;
        notes(self.unknown, self.unsure, report);
        overcome(self.overcome, report);
        self.found.sort_by_key(|found| (found.sequence, found.uid));
        let named = self.found.iter().take(2 * NAMED_MAX);
        let numbers: Vec<i64> = named.flat_map(Found::numbers).collect();
        let records = audit_records::of_numbers(conn, &numbers).await?;
        let records = records.into_iter().map(|record| (record.sequence, record));
        let records: HashMap<i64, AuditRecord> = records.collect();
        for found in self.found {
            found.tell(&records, report);
        }
        Ok(())
    }
}
