//! What a replica and the database say to each other about one limit.

use uuid::Uuid;

use super::grant::Ask;
use crate::domain::limit::Terms;
use crate::domain::time::BootTime;

/// The most limits in one transaction: a thousand held their locks for more than a second.
pub const LIMITS_PER_TRANSACTION: usize = 64;

/// What a replica has to say about one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The limit.
    pub limit: Uuid,
    /// Units wanted.
    pub ask: Option<NumberedAsk>,
    /// Units used of closed blocks.
    pub returns: Vec<Return>,
    /// Units used beyond what was estimated.
    pub charge: Option<Charge>,
}

/// An ask, with the number that the block will have: made by the replica, so that a repetition is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedAsk {
    /// The number of the block.
    pub block: u64,
    /// What is asked.
    pub ask: Ask,
}

/// Units used of one block: an absolute number, so that a repetition changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Return {
    /// The block's number.
    pub block: u64,
    /// Units used of it.
    pub used: u64,
}

/// Units used beyond what was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The number of the block that carries it.
    pub block: u64,
    /// How many.
    pub units: u64,
}

/// What the database answered to an ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The block's number.
    pub block: u64,
    /// Units granted; 0 for none.
    pub units: u64,
    /// When the ask was first sent: validity counts from here, never from the answer.
    pub sent: BootTime,
    /// The terms in force when it was granted; the block keeps them.
    pub terms: Terms,
    /// When asking again makes sense.
    pub not_before: BootTime,
}
