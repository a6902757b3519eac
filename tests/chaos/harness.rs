//! What is shared with the integration tests: a client, processes, and what an administrator sets up.
#![expect(dead_code, reason = "the integration tests use all of it")]

#[path = "../it/harness/client.rs"]
pub(crate) mod client;
#[path = "../it/harness/outcomes.rs"]
pub(crate) mod outcomes;
#[path = "../it/harness/process.rs"]
pub(crate) mod process;
#[path = "../it/harness/proxy.rs"]
pub(crate) mod proxy;
#[path = "../it/harness/refusal.rs"]
pub(crate) mod refusal;
#[path = "../it/harness/replica.rs"]
pub(crate) mod replica;
#[path = "../it/harness/setup.rs"]
pub(crate) mod setup;
