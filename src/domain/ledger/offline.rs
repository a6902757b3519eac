//! What a replica serves from while the database cannot be reached, and what the ledger leaves alone for it.
//!
//! The ledger grants N less what all slots hold together, so what a slot hands out by itself passes nothing, as long as each is used by
//! one replica at a time (`slots`), each keeps an exact window (`window`), and whatever the limit was before is over when replicas begin
//! to serve by what it is now (`reserve`).

pub mod reserve;
pub mod serving;
pub mod slots;
pub mod window;
