//! The cluster key: one random key for the whole cluster, wrapped in the database, from which every other key is derived.
//!
//! It is wrapped as a message in the format of `sealed_message` under the master key; the context is the parts
//! `keylease/cluster-key-wrap/v1` and the master key's fingerprint (8 bytes). A subkey is HKDF-SHA256(ikm = cluster key, empty
//! salt, info = its label), 32 bytes. Rotating the master key wraps it anew and changes no subkey.

use super::{
    caller_token::Pepper,
    encoding::Parts,
    errors::{ClusterKeyError, RandomError},
    fingerprint::Fingerprint,
    key_bytes::KeyBytes,
    key_ring::KeyRing,
    keyed_hash::{FingerprintKey, RequestKey},
    master_key::MasterKey,
    row_mac::MacKey,
    sealed_id::{BootId, IdOpener, IdSealers, Purpose},
    sealed_message::{self, DoesNotOpen},
    secret::Secret,
    webhook_secret::WebhookSecrets,
};
use uuid::Uuid;

/// The key from which the cluster's MAC keys, pepper and id keys come.
#[derive(Debug)]
pub struct ClusterKey(KeyBytes);

/// A wrapped cluster key: two columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedClusterKey {
    /// The master key that wraps it.
    pub master_key: Fingerprint,
    /// The cluster key, wrapped.
    pub wrapped: Vec<u8>,
}

impl ClusterKey {
    /// A fresh random key, for a new cluster.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate() -> Result<Self, RandomError> {
        KeyBytes::random().map(Self)
    }

    /// Wraps the key under a master key.
    ///
    /// # Errors
    /// No randomness.
    pub fn wrap(&self, master_key: &MasterKey) -> Result<WrappedClusterKey, RandomError> {
        let context = wrap_context(master_key.fingerprint());
        let wrapped = sealed_message::seal(master_key.key(), &context, self.0.expose())?;
        Ok(WrappedClusterKey {
            master_key: master_key.fingerprint(),
            wrapped,
        })
    }

    /// Unwraps what [`wrap`](Self::wrap) gave.
    ///
    /// # Errors
    /// The ring lacks the master key, or the row was edited.
    pub fn unwrap(ring: &KeyRing, row: &WrappedClusterKey) -> Result<Self, ClusterKeyError> {
        let master_key = ring.find(&row.master_key)?;
        let context = wrap_context(row.master_key);
        Ok(Self(sealed_message::open_key(
            master_key.key(),
            &context,
            &row.wrapped,
        )?))
    }

    /// The key of row MACs.
    pub fn mac_key(&self) -> MacKey {
        MacKey::new(&self.subkey("keylease/row-mac/v1"))
    }

    /// The key of the audit's chains. Apart from that of other rows: what one signs never stands for what the other does.
    pub fn audit_key(&self) -> MacKey {
        MacKey::new(&self.subkey("keylease/audit-chain/v1"))
    }

    /// The pepper of caller tokens.
    pub fn token_pepper(&self) -> Pepper {
        Pepper::new(&self.subkey("keylease/token-pepper/v1"))
    }

    /// The key of secret fingerprints, which find duplicates.
    pub fn fingerprint_key(&self) -> FingerprintKey {
        FingerprintKey::new(&self.subkey("keylease/secret-fingerprint/v1"))
    }

    /// The key of request hashes, which recognise replays.
    pub fn request_key(&self) -> RequestKey {
        RequestKey::new(&self.subkey("keylease/request-hash/v1"))
    }

    /// The secret that requests to the rotator of an account are signed with, as its receiver is given it: each generation is another.
    pub fn rotator_secret(&self, account: &Uuid, generation: u32) -> Secret {
        let info: [&[u8]; 3] = [
            b"keylease/rotator/v1",
            account.as_bytes(),
            &generation.to_be_bytes(),
        ];
        WebhookSecrets::text(self.0.derive(&[], &info).expose())
    }

    /// Seals the ids of this boot. The boot id is used up, so that no two sealers count the same nonces.
    pub fn id_sealers(&self, boot: BootId) -> IdSealers {
        IdSealers::new(&self.sealed_id_root(), boot)
    }

    /// Opens the ids that any replica sealed for this purpose.
    pub fn id_opener(&self, purpose: Purpose) -> IdOpener {
        IdOpener::new(self.sealed_id_root(), purpose)
    }

    fn sealed_id_root(&self) -> KeyBytes {
        self.subkey("keylease/sealed-id/v1")
    }

    fn subkey(&self, label: &str) -> KeyBytes {
        self.0.derive(&[], &[label.as_bytes()])
    }
}

fn wrap_context(master_key: Fingerprint) -> Vec<u8> {
    Parts::labelled("keylease/cluster-key-wrap/v1")
        .with(&master_key.to_bytes())
        .finish()
}

impl From<DoesNotOpen> for ClusterKeyError {
    fn from(DoesNotOpen: DoesNotOpen) -> Self {
        Self::DoesNotOpen
    }
}

#[cfg(test)]
impl ClusterKey {
    /// A key of known bytes, for known-answer tests.
    pub(crate) fn known(byte: u8) -> Self {
        Self(KeyBytes::of(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Secret;

    fn ring(promoted: u8, others: &[u8]) -> KeyRing {
        KeyRing::new(
            MasterKey::known(promoted),
            others.iter().copied().map(MasterKey::known).collect(),
        )
        .unwrap()
    }

    #[test]
    fn rotating_the_master_key_leaves_every_subkey_alone() {
        let key = ClusterKey::generate().unwrap();
        let first = key.wrap(ring(1, &[]).first()).unwrap();
        let second = ClusterKey::unwrap(&ring(2, &[1]), &first)
            .unwrap()
            .wrap(ring(2, &[1]).first())
            .unwrap();
        assert_ne!(first.master_key, second.master_key);
        let rotated = ClusterKey::unwrap(&ring(2, &[]), &second).unwrap();
        assert_eq!(
            key.mac_key().mac("callers", &[]),
            rotated.mac_key().mac("callers", &[])
        );
        assert_eq!(key.0.expose(), rotated.0.expose());
    }

    #[test]
    fn an_edited_wrap_or_another_master_key_does_not_open() {
        let row = ClusterKey::generate()
            .unwrap()
            .wrap(ring(1, &[]).first())
            .unwrap();
        let opened = |row: &WrappedClusterKey| ClusterKey::unwrap(&ring(1, &[2]), row);
        for place in 0..row.wrapped.len() {
            let mut forged = row.clone();
            forged.wrapped[place] ^= 1;
            assert!(matches!(opened(&forged), Err(ClusterKeyError::DoesNotOpen)));
            forged.wrapped.truncate(place);
            assert!(matches!(opened(&forged), Err(ClusterKeyError::DoesNotOpen)));
        }
        let renamed = |byte| WrappedClusterKey {
            master_key: MasterKey::known(byte).fingerprint(),
            ..row.clone()
        };
        assert!(matches!(
            opened(&renamed(2)),
            Err(ClusterKeyError::DoesNotOpen)
        ));
        assert!(matches!(
            opened(&renamed(3)),
            Err(ClusterKeyError::MissingMasterKey(_))
        ));
    }

    #[test]
    fn subkeys_of_different_uses_differ() {
        let key = ClusterKey::known(0x44);
        let secret = Secret::new(Vec::new());
        assert_ne!(
            key.fingerprint_key().fingerprint(&secret),
            key.request_key().hash(&[])
        );
    }

    #[test]
    fn a_known_cluster_key_gives_known_subkeys() {
        let key = ClusterKey::known(0x44);
        let hex = |bytes: [u8; 32]| bytes.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            hex(key
                .fingerprint_key()
                .fingerprint(&Secret::new(b"sk-known".to_vec()))),
            "62739d7c17494a4eb26d9958cef417acab11d91a2e466a6987f7a66f01e29c38"
        );
        assert_eq!(
            hex(key.request_key().hash(&[b"CreateKey", b"body"])),
            "e3fd5e87fd1ad726751146f2b98fc5ad39edf05babd9f977f2c2af2b41725302"
        );
        assert_eq!(
            hex(key
                .mac_key()
                .mac("callers", &["a".into(), 7.into(), None::<&str>.into()])),
            "406f5975cb49bf085b391dfe81c6cd933ca2a10364464c7d37faa9f523145f07"
        );
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(
            format!("{:?}", ClusterKey::known(1)),
            "ClusterKey(redacted)"
        );
    }
}
