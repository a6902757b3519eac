//! What a verification found, as it is printed.

use serde::Serialize;
use uuid::Uuid;

use crate::domain::chain::{Fault, Finding};

/// The most findings that are told one by one; beyond them they are counted.
pub(super) const FINDINGS_MAX: usize = 1_000;

/// What a verification found.
#[derive(Debug, Default, Serialize)]
pub struct AuditReport {
    /// Nothing is wrong.
    pub intact: bool,
    /// The chains, in the order in which they began.
    pub chains: Vec<ChainReport>,
    /// What is wrong, at most a thousand.
    pub findings: Vec<FindingReport>,
    /// How much is wrong.
    pub findings_total: usize,
    /// Records that are older than the chains.
    pub adopted: Option<AdoptedReport>,
}

/// Records of a release without chains, which a start put into one as it found them: nothing vouches for what they were before.
#[derive(Debug, Serialize)]
pub struct AdoptedReport {
    /// The chain.
    pub writer: Uuid,
    /// How many.
    pub rows: i64,
    /// When.
    pub time: String,
}

/// One chain. Kept elsewhere, it shows later whether the chain was set back.
#[derive(Debug, Serialize, serde::Deserialize)]
pub struct ChainReport {
    /// `changes` or `leases`.
    pub chain: String,
    /// One boot of a replica.
    pub writer: Uuid,
    /// Rows that are there.
    pub rows: u64,
    /// Up to this one, rows were removed by retention.
    pub anchor: i64,
    /// The last row.
    pub head: i64,
    /// Its hash, in hex.
    pub head_hash: String,
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub struct FindingReport {
    /// `changes` or `leases`.
    pub chain: &'static str,
    /// Whose chain; none for a row of no chain.
    pub writer: Option<Uuid>,
    /// The row's place in the chain; of a row of no chain its number.
    pub sequence: i64,
    /// The last row, where several are meant.
    pub until: Option<i64>,
    /// What, as a word.
    pub fault: &'static str,
    /// What, as a sentence.
    pub message: String,
}

impl AuditReport {
    pub(super) fn tell(&mut self, finding: &Finding) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(FindingReport::of(finding));
        }
    }

    pub(super) fn concluded(mut self) -> Self {
        self.intact = self.findings_total == 0;
        self
    }
}

impl FindingReport {
    fn of(finding: &Finding) -> Self {
        let until = match finding.fault {
            Fault::Missing { until } => Some(until),
            Fault::Changed
            | Fault::Moved { .. }
            | Fault::Unlinked
            | Fault::Stray
            | Fault::BeyondHead
            | Fault::HeadChanged
            | Fault::SetBack
            | Fault::Unchained
            | Fault::HeadMissing
            | Fault::ChainsMissing { .. }
            | Fault::StandingChanged
            | Fault::AdoptedLate => None,
        };
        Self {
            chain: finding.chain.as_str(),
            writer: finding.writer,
            sequence: finding.sequence,
            until,
            fault: finding.fault.as_str(),
            message: sentence(finding),
        }
    }
}

fn sentence(finding: &Finding) -> String {
    let at = finding.sequence;
    match finding.fault {
        Fault::Changed => format!("row {at} is not what was written there"),
        Fault::Moved { from } => format!("row {at} was written as row {from}, and moved"),
        Fault::Unlinked => format!("row {at} does not follow the row before it"),
        Fault::Missing { until } if until == at => format!("row {at} is missing"),
        Fault::Missing { until } => format!("rows {at} to {until} are missing"),
        Fault::Stray => format!("row {at} stands where none may be"),
        Fault::BeyondHead => format!("row {at} is beyond the head, which was set back"),
        Fault::HeadChanged => {
            "the birth, the anchor or the head is not what was written".to_owned()
        }
        Fault::SetBack => format!("row {at} was seen, and is not there or is another"),
        Fault::Unchained => {
            format!(
                "record {at} is of no chain: a release without chains wrote it, or somebody did by hand"
            )
        }
        Fault::HeadMissing => "the chain's birth and head are missing".to_owned(),
        Fault::ChainsMissing { begun } => format!("{begun} chains have begun, and {at} are there"),
        Fault::StandingChanged => {
            "what is known of all chains together is not what was written, or is gone".to_owned()
        }
        Fault::AdoptedLate => {
            "records of no chain were taken over as if there had been no chains, and there were"
                .to_owned()
        }
    }
}
