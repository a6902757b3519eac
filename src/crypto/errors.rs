//! What can go wrong with a secret. No message carries key text, and none says which check a forgery failed.

use super::fingerprint::Fingerprint;

/// The operating system gave no randomness; nothing can be sealed or minted until it does.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct RandomError(#[from] getrandom::Error);

/// Data names a master key that the ring does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this data was sealed with master key {wanted}; present: {}; provide it with KEYLEASE_MASTER_KEY_FILE or KEYLEASE_MASTER_KEY_DIR, or its passphrase with KEYLEASE_PASSPHRASE_FILE", join(.present))]
pub struct MissingMasterKey {
    /// The fingerprint that the data names.
    pub wanted: Fingerprint,
    /// The fingerprints in the ring.
    pub present: Vec<Fingerprint>,
}

/// Why text, or a passphrase and its parameters, is not a master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text does not start like a master key.
    #[error("a master key begins with klmk1_")]
    Prefix,
    /// Characters are missing, or there are too many.
    #[error("a master key has {wanted} characters, this has {found}: it was cut short or added to")]
    Length {
        /// Characters found.
        found: usize,
        /// Characters wanted.
        wanted: usize,
    },
    /// The length is right, but a character was changed.
    #[error("the checksum of the master key is wrong: it was mistyped or damaged")]
    Checksum,
    /// The checksum is right, but the body is not base62 of 32 bytes.
    #[error("the body of the master key is not base62 of 32 bytes")]
    Body,
    /// The passphrase is easier to guess than the parameters can make up for.
    #[error("a passphrase has at least {min} bytes, this has {found}")]
    PassphraseLength {
        /// Bytes found.
        found: usize,
        /// Bytes wanted at least.
        min: usize,
    },
    /// A parameter would make guessing cheap, or deriving exhaust this process.
    #[error("passphrase parameter {name} is {found}, outside {min} to {max}")]
    Parameter {
        /// Which parameter.
        name: &'static str,
        /// What it is.
        found: u64,
        /// Its least value.
        min: u64,
        /// Its greatest value.
        max: u64,
    },
    /// Argon2 refused.
    #[error("the passphrase could not be stretched")]
    Stretch(#[source] argon2::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Why a file of master keys is not a ring.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// A line is not a master key; its content is not repeated here.
    #[error("line {number} of the master key file: {source}")]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        source: MasterKeyError,
    },
    /// The same key twice is a mistake in the file, most often a paste that was meant to be another key.
    #[error("master key {0} is given twice")]
    Duplicate(Fingerprint),
    /// No line holds a key.
    #[error("the master key file holds no key: put one klmk1_ key on its first line")]
    Empty,
    /// More keys than a ring holds.
    #[error("{found} master keys, and a ring holds at most {max}: retire some")]
    TooMany {
        /// Keys found.
        found: usize,
        /// Keys allowed.
        max: usize,
    },
}

/// Why a secret can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The ring lacks the key.
    #[error(transparent)]
    MissingMasterKey(#[from] MissingMasterKey),
    /// One answer for every forgery, so that nobody learns which check failed.
    #[error("does not open: tampered with, swapped, or sealed for other hosts")]
    DoesNotOpen,
    /// Sealed for more hosts, or a longer field name, than the limit.
    #[error("the field name and hosts of a secret take {found} bytes, at most {max} are allowed")]
    ContextTooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The secret is too long.
    #[error("the secret has {found} bytes, at most {max} are allowed")]
    SecretTooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Why the cluster key can't be unwrapped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterKeyError {
    /// The ring lacks the key.
    #[error(transparent)]
    MissingMasterKey(#[from] MissingMasterKey),
    /// Damaged, forged, or wrapped by another key under the same name.
    #[error("the cluster key does not open: it was tampered with or damaged")]
    DoesNotOpen,
}

/// Why presented text can't be a caller token. All of it is found without a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not the shape that is minted here.
    #[error(
        "a token has the form kl_<id>_<secret> and {} characters",
        super::caller_token::TOKEN_CHARS
    )]
    Malformed,
    /// A typing or pasting mistake.
    #[error("the checksum of the token is wrong: it was mistyped or damaged")]
    Checksum,
}

/// Why an id can't be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedIdError {
    /// One answer for every forgery, unknown version and foreign purpose.
    #[error("the id is not one of ours, or is damaged")]
    DoesNotOpen,
    /// The plaintext would make the id longer than any opener reads.
    #[error("an id holds at most {max} bytes, this has {found}")]
    PlaintextTooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// This process has sealed as many ids as one key safely may.
    #[error("this process has used up its serials: restart it")]
    SerialsExhausted,
}

fn join(fingerprints: &[Fingerprint]) -> String {
    if fingerprints.is_empty() {
        return "none".to_owned();
    }
    let texts: Vec<String> = fingerprints.iter().map(Fingerprint::to_string).collect();
    texts.join(", ")
}
