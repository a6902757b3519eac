//! What the tests share.

pub(crate) mod desk;
pub(crate) mod keys;
pub(crate) mod observed;
pub(crate) mod postgres;
pub(crate) mod process;
