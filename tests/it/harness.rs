//! What the tests share.

pub(crate) mod desk;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod vault;
