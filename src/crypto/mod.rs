//! Floor 2: secrets in memory. Nothing here touches a database, a clock or a socket; all randomness is the operating system's.
//!
//! Keys hang from one another: a [`MasterKey`] (file or passphrase, held in a [`KeyRing`]) wraps one data key per provider
//! secret ([`seal`], [`open`], [`rewrap`]) and the [`ClusterKey`]. From the cluster key come row MACs, the token pepper, keyed
//! fingerprints and lease ids, so that rotating the master key leaves all of them alone.

mod base62;
mod caller_token;
mod cluster_key;
mod encoding;
mod envelope;
mod errors;
mod fingerprint;
mod key_bytes;
mod key_ring;
mod keyed_hash;
mod master_key;
mod passphrase;
mod random;
mod row_mac;
mod rows;
mod sealed_id;
mod sealed_message;
mod secret;
#[cfg(test)]
mod vectors;
mod webhook_secret;
mod wrap_budget;

pub use caller_token::{CallerToken, Minted, Pepper, PresentedToken};
pub use cluster_key::{ClusterKey, WrappedClusterKey};
pub use envelope::{
    CONTEXT_BYTES_MAX, PLAINTEXT_BYTES_MAX, SealContext, Sealed, open, rewrap, seal,
};
pub use errors::{
    ClusterKeyError, EnvelopeError, KeyRingError, MasterKeyError, MissingMasterKey, RandomError,
    SealedIdError, TokenError,
};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use key_ring::KeyRing;
pub use keyed_hash::{FingerprintKey, RequestKey};
pub use master_key::MasterKey;
pub use passphrase::PassphraseParameters;
pub use row_mac::{MacField, MacKey, macs_digest};
pub use rows::{GrantRow, MemberRow, PromotionRow, ProtectedRow};
pub use sealed_id::{
    BootId, IdOpener, IdSealer, IdSealers, Opened, Purpose, SEALED_ID_CHARS_MAX,
    SEALED_ID_PLAINTEXT_BYTES_MAX, Serial,
};
pub use secret::Secret;
pub use webhook_secret::WebhookSecrets;
pub use wrap_budget::{WRAPS_REFUSE, WRAPS_WARN, WrapBudget, check_wraps};
