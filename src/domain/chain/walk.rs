//! A walk along one chain, from its anchor to its head: what is wrong on the way.

use uuid::Uuid;

use super::{Chain, Fault, Finding, Hash, Head, Link, Sightings};

/// Changed rows that are remembered to find out whether they only changed places.
const CHANGED_MAX: usize = 64;

/// Before the first row that there is, wherever that stands.
const UNKNOWN: i64 = i64::MIN;

/// A walk along the chain of one writer.
#[derive(Debug)]
pub struct Walk {
    chain: Chain,
    writer: Uuid,
    head: Head,
    at: i64,
    /// The hash of the row before, where that row is what was written.
    hash: Option<Hash>,
    sightings: Sightings,
    findings: Vec<Finding>,
    changed: Vec<i64>,
    rows: u64,
}

impl Walk {
    /// From the anchor, where both it and the head are what was written.
    #[must_use]
    pub fn new(
        chain: Chain,
        writer: Uuid,
        (anchor, head): (Head, Head),
        sightings: Sightings,
    ) -> Self {
        Self {
            chain,
            writer,
            head,
            at: anchor.sequence,
            hash: Some(anchor.hash),
            sightings,
            findings: Vec::new(),
            changed: Vec::new(),
            rows: 0,
        }
    }

    /// Where the ends are not what was written: rows are set against each other, and nothing is said of what stood before or behind them.
    #[must_use]
    pub fn unbounded(chain: Chain, writer: Uuid, sightings: Sightings) -> Self {
        let nowhere = Head {
            sequence: UNKNOWN,
            hash: Hash::default(),
        };
        Self {
            hash: None,
            head: Head {
                sequence: i64::MAX,
                ..nowhere
            },
            ..Self::new(chain, writer, (nowhere, nowhere), sightings)
        }
    }

    /// The next row in the order of sequences; `holds`: its hash is that of what it says.
    pub fn step(&mut self, link: &Link, holds: bool) {
        self.rows += 1;
        let sequence = link.sequence;
        if sequence <= self.at {
            self.find(sequence, Fault::Stray);
            return;
        }
        if self.at != UNKNOWN && sequence > self.at + 1 {
            let until = sequence - 1;
            self.find(self.at + 1, Fault::Missing { until });
            self.hash = None;
        }
        let mac = Hash::try_from(link.mac.as_slice()).ok().filter(|_| holds);
        if mac.is_none() {
            self.find(sequence, Fault::Changed);
            if self.changed.len() < CHANGED_MAX {
                self.changed.push(sequence);
            }
        } else if self.hash.is_some_and(|hash| link.previous != hash) {
            self.find(sequence, Fault::Unlinked);
        } else if sequence > self.head.sequence {
            self.find(sequence, Fault::BeyondHead);
        }
        let seen = self.sightings.get(&sequence);
        let differs = |mac: Hash| seen.is_some_and(|seen| seen.iter().any(|hash| *hash != mac));
        if mac.is_some_and(differs) {
            self.find(sequence, Fault::SetBack);
        }
        (self.at, self.hash) = (sequence, mac);
    }

    /// The end: there are no more rows.
    pub fn end(&mut self) {
        if self.head.sequence == i64::MAX {
            return;
        }
        if self.at < self.head.sequence {
            let until = self.head.sequence;
            self.find(self.at + 1, Fault::Missing { until });
        } else if self.at == self.head.sequence
            && self.hash.is_some_and(|hash| hash != self.head.hash)
        {
            self.find(self.at, Fault::HeadChanged);
        }
        let seen = self.sightings.keys().next_back().copied();
        if let Some(seen) = seen.filter(|seen| *seen > self.head.sequence) {
            self.find(seen, Fault::SetBack);
        }
    }

    /// Sequences of rows that are not what was written: any of them may have been written for another of these places.
    #[must_use]
    pub fn changed(&self) -> &[i64] {
        &self.changed
    }

    /// The row at this place was written for another.
    pub fn moved(&mut self, sequence: i64, from: i64) {
        let is_it = |finding: &&mut Finding| {
            finding.sequence == sequence && finding.fault == Fault::Changed
        };
        if let Some(finding) = self.findings.iter_mut().find(is_it) {
            finding.fault = Fault::Moved { from };
        }
    }

    /// How many rows there were, and what is wrong.
    #[must_use]
    pub fn into_findings(self) -> (u64, Vec<Finding>) {
        (self.rows, self.findings)
    }

    fn find(&mut self, sequence: i64, fault: Fault) {
        self.findings.push(Finding {
            chain: self.chain,
            writer: Some(self.writer),
            sequence,
            fault,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(sequence: i64) -> Hash {
        [u8::try_from(sequence).unwrap(); 32]
    }

    fn head(sequence: i64) -> Head {
        Head {
            sequence,
            hash: hash(sequence),
        }
    }

    fn link(sequence: i64) -> Link {
        Link {
            writer: Uuid::nil(),
            sequence,
            previous: hash(sequence - 1).to_vec(),
            mac: hash(sequence).to_vec(),
        }
    }

    fn walk(rows: &[(Link, bool)], seen: &[i64]) -> Vec<(i64, Fault)> {
        let sightings = seen.iter().map(|at| (*at, vec![hash(*at)])).collect();
        let ends = (head(2), head(5));
        let mut walk = Walk::new(Chain::Changes, Uuid::nil(), ends, sightings);
        rows.iter()
            .for_each(|(link, holds)| walk.step(link, *holds));
        walk.end();
        let found = walk.into_findings().1;
        found.iter().map(|f| (f.sequence, f.fault)).collect()
    }

    fn rows(sequences: &[i64]) -> Vec<(Link, bool)> {
        sequences.iter().map(|at| (link(*at), true)).collect()
    }

    #[test]
    fn a_whole_chain_has_nothing_wrong() {
        assert_eq!(walk(&rows(&[3, 4, 5]), &[1, 4, 5]), []);
    }

    #[test]
    fn rows_that_are_gone_are_named_wherever_they_stood() {
        let gone = |from, until| (from, Fault::Missing { until });
        assert_eq!(walk(&rows(&[4, 5]), &[]), [gone(3, 3)]);
        assert_eq!(walk(&rows(&[3, 5]), &[]), [gone(4, 4)]);
        assert_eq!(walk(&rows(&[3]), &[]), [gone(4, 5)]);
        assert_eq!(walk(&[], &[]), [gone(3, 5)]);
    }

    #[test]
    fn a_changed_row_is_blamed_and_its_neighbours_are_not() {
        let mut changed = rows(&[3, 4, 5]);
        changed[1].1 = false;
        assert_eq!(walk(&changed, &[]), [(4, Fault::Changed)]);
        changed[1].0.mac = vec![0; 7];
        assert_eq!(walk(&changed, &[]), [(4, Fault::Changed)]);
    }

    #[test]
    fn a_row_of_another_past_does_not_follow() {
        let mut other = rows(&[3, 4, 5]);
        other[1].0.previous = vec![9; 32];
        assert_eq!(walk(&other, &[]), [(4, Fault::Unlinked)]);
    }

    #[test]
    fn a_second_row_and_rows_outside_of_the_ends_are_told() {
        let told = walk(&rows(&[1, 3, 3, 4, 5, 6]), &[]);
        let wanted = [(1, Fault::Stray), (3, Fault::Stray), (6, Fault::BeyondHead)];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_chain_that_was_longer_or_other_once_is_set_back() {
        assert_eq!(walk(&rows(&[3, 4, 5]), &[4, 7]), [(7, Fault::SetBack)]);
        let mut other = rows(&[3, 4, 5]);
        other[1].0.mac = vec![9; 32];
        other[2].0.previous = vec![9; 32];
        assert_eq!(walk(&other, &[4]), [(4, Fault::SetBack)]);
        assert_eq!(walk(&other, &[]), []);
    }
}
