//! What is at hand for a call, beside what is kept for those that came before it and wait for another limit.

use super::{Held, Ticket};
use crate::domain::ledger::block::Block;

impl Held {
    /// A call has enough here and waits for another limit: what it needs is kept for it, until the next answer of any limit at most
    /// where that is all it waits for.
    pub fn keep_for(&mut self, ticket: Ticket, units: u64, is_until_answer: bool) {
        self.line.keep(ticket, units, is_until_answer);
    }

    /// A limit has answered: whoever waited for that has to say again that it waits.
    pub fn keep_no_more_until_answer(&mut self) {
        self.line.keep_no_more_until_answer();
    }

    /// Calls that something is kept for.
    #[must_use]
    pub fn keeps(&self) -> usize {
        self.line.keeps()
    }

    /// How many uses one block has for a call with this place in line.
    pub(super) fn uses_for(&self, units: u64, ticket: Option<Ticket>) -> u64 {
        let kept = self.kept_before(ticket);
        let uses = self.open.iter().enumerate().map(|(index, block)| {
            let left = left_beside(block, index, &kept);
            left.checked_div(units).unwrap_or(u64::MAX)
        });
        uses.max().unwrap_or(0)
    }

    /// The first block that has so many units for it.
    pub(super) fn block_for(&mut self, needed: u64, ticket: Option<Ticket>) -> Option<&mut Block> {
        let kept = self.kept_before(ticket);
        let mut blocks = self.open.iter_mut().enumerate();
        let block = blocks.find(|(index, block)| left_beside(block, *index, &kept) >= needed);
        block.map(|(_, block)| block)
    }

    /// Units of each block that those before it are to have; empty where nothing is kept.
    fn kept_before(&self, ticket: Option<Ticket>) -> Vec<u64> {
        let mut kept = Vec::new();
        for units in self.line.kept_before(ticket) {
            kept.resize(self.open.len(), 0);
            let mut blocks = self.open.iter().enumerate();
            let block = blocks.find(|(index, block)| left_beside(block, *index, &kept) >= units);
            if let Some((index, _)) = block {
                kept[index] += units;
            }
        }
        kept
    }
}

fn left_beside(block: &Block, index: usize, kept: &[u64]) -> u64 {
    let kept = kept.get(index).copied().unwrap_or(0);
    block.left().saturating_sub(kept)
}
