//! What the tests share.

pub(crate) mod alerted;
pub(crate) mod asked;
pub(crate) mod audited;
pub(crate) mod back;
pub(crate) mod canary;
pub(crate) mod client;
pub(crate) mod clocks;
pub(crate) mod cluster;
pub(crate) mod crowd;
pub(crate) mod desk;
pub(crate) mod doctored;
pub(crate) mod explained;
pub(crate) mod judged;
pub(crate) mod keys;
pub(crate) mod lies;
pub(crate) mod observed;
pub(crate) mod outcomes;
pub(crate) mod postgres;
pub(crate) mod probed;
pub(crate) mod process;
#[expect(dead_code, reason = "the chaos runs use all of it")]
pub(crate) mod proxy;
pub(crate) mod raided;
pub(crate) mod receivers;
pub(crate) mod refusal;
pub(crate) mod replica;
pub(crate) mod ringed;
pub(crate) mod rotated;
pub(crate) mod rotator;
pub(crate) mod setup;
pub(crate) mod spending;
pub(crate) mod stating;
pub(crate) mod upstream;
