//! Master keys: which one seals, who holds which, and how one takes the place of another. The verbs have a file each, named like their RPC.

mod adding;
pub(super) mod get_master_key_status;
mod hold_ring;
mod passphrase;
mod promote_master_key;
pub(super) mod promoted;
mod retire_master_key;
mod rewrap_keys;
mod rewrapping;

pub(super) use adding::announced;
pub use get_master_key_status::{MasterKeyStatus, MasterKeyView};
pub use hold_ring::RingChange;
pub use passphrase::{PassphraseError, ring_of_known_passphrase, ring_of_passphrase};
pub use promote_master_key::PromoteMasterKey;
pub(super) use promote_master_key::resource_of;
pub use retire_master_key::RetireMasterKey;
pub use rewrap_keys::{CancelRewrap, RewrapKeys};
pub use rewrapping::Step as RewrapStep;
