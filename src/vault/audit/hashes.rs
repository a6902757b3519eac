//! What is hashed of a row, of the ends of a chain and of its birth. Each is a row MAC under the key of the audit.

use uuid::Uuid;

use crate::crypto::{MacField, MacKey};
use crate::domain::chain::{Chain, Hash, Head, Link, Standing};
use crate::domain::journal::JournalRecord;
use crate::store::audit_chains::{ChainRow, EndRow};
use crate::store::audit_records::AuditRecord;
use crate::store::lease_journal::JournalRow;

/// An end of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Anchor,
    Head,
}

impl End {
    const fn table(self) -> &'static str {
        match self {
            Self::Anchor => "audit_anchors",
            Self::Head => "audit_heads",
        }
    }

    /// Signs an end.
    pub(super) fn sign(self, key: &MacKey, chain: Chain, writer: Uuid, head: Head) -> EndRow {
        let mac = key.mac(self.table(), &end_fields(chain, &writer, &head));
        EndRow {
            sequence: head.sequence,
            hash: head.hash.to_vec(),
            mac: mac.to_vec(),
        }
    }

    /// An end, if it is what was signed.
    pub(super) fn open(
        self,
        key: &MacKey,
        chain: Chain,
        writer: Uuid,
        row: &EndRow,
    ) -> Option<Head> {
        let head = Head {
            sequence: row.sequence,
            hash: row.hash.as_slice().try_into().ok()?,
        };
        let fields = end_fields(chain, &writer, &head);
        key.verify(self.table(), &fields, &row.mac).then_some(head)
    }
}

fn end_fields<'a>(chain: Chain, writer: &'a Uuid, head: &'a Head) -> [MacField<'a>; 4] {
    [
        chain.as_str().into(),
        writer.into(),
        head.sequence.into(),
        (&head.hash).into(),
    ]
}

/// The hash of a birth, which the first row follows.
pub(super) fn birth(key: &MacKey, row: &ChainRow) -> Hash {
    let fields = [
        row.chain.as_str().into(),
        (&row.writer).into(),
        row.create_time.micros().into(),
        row.witnessed.as_slice().into(),
    ];
    key.mac("audit_births", &fields)
}

/// The hash of what is known of all chains.
pub(super) fn standing(key: &MacKey, standing: &Standing) -> Hash {
    let adopted = standing.adopted.as_ref();
    let fields = [
        standing.since.micros().into(),
        standing.begun_changes.into(),
        standing.begun_leases.into(),
        adopted.map(|adopted| &adopted.writer).into(),
        adopted.map(|adopted| adopted.rows).into(),
    ];
    key.mac("audit_standing", &fields)
}

/// A record of a chain.
pub(super) trait Chained {
    /// The hash of the record at this place.
    fn hash(&self, key: &MacKey, writer: &Uuid, sequence: i64, previous: &[u8]) -> Hash;

    /// Whether the record is what was written at this place.
    fn holds(&self, key: &MacKey, link: &Link) -> bool {
        let hash = self.hash(key, &link.writer, link.sequence, &link.previous);
        bool::from(subtle::ConstantTimeEq::ct_eq(
            hash.as_slice(),
            link.mac.as_slice(),
        ))
    }

    /// Its place behind a head, and the head that it makes.
    fn behind(&self, key: &MacKey, writer: Uuid, head: Head) -> (Link, Head) {
        let sequence = head.sequence + 1;
        let hash = self.hash(key, &writer, sequence, &head.hash);
        let link = Link {
            writer,
            sequence,
            previous: head.hash.to_vec(),
            mac: hash.to_vec(),
        };
        (link, Head { sequence, hash })
    }
}

impl Chained for AuditRecord {
    fn hash(&self, key: &MacKey, writer: &Uuid, sequence: i64, previous: &[u8]) -> Hash {
        let mut fields = vec![
            writer.into(),
            sequence.into(),
            previous.into(),
            self.sequence.into(),
            self.record_time.micros().into(),
            self.caller.as_str().into(),
            self.method.as_str().into(),
            self.resource.as_str().into(),
            self.reason.as_str().into(),
            self.source.as_str().into(),
            self.summary.as_str().into(),
        ];
        let Some(rows) = &self.rows else {
            return key.mac("audit_records", &fields);
        };
        fields.push(rows.as_slice().into());
        key.mac("audit_records with rows", &fields)
    }
}

impl Chained for JournalRecord {
    fn hash(&self, key: &MacKey, writer: &Uuid, sequence: i64, previous: &[u8]) -> Hash {
        let fields = [
            writer.into(),
            sequence.into(),
            previous.into(),
            self.record_time.micros().into(),
            self.pool.as_str().into(),
            self.key.as_str().into(),
            self.version.into(),
            self.caller.as_str().into(),
            self.leases.into(),
            self.uses.into(),
            self.lease.as_str().into(),
            self.tags.as_str().into(),
        ];
        key.mac("lease_journal", &fields)
    }
}

impl Chained for JournalRow {
    fn hash(&self, key: &MacKey, writer: &Uuid, sequence: i64, previous: &[u8]) -> Hash {
        self.record.hash(key, writer, sequence, previous)
    }

    /// What it is said to be is in no hash, and has to be what it is.
    fn holds(&self, key: &MacKey, link: &Link) -> bool {
        self.record.holds(key, link) && self.kind == self.record.kind()
    }
}
