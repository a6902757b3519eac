//! A master key from a passphrase: argon2id version 0x13, 32 bytes out, salt and costs stored beside the data.
//!
//! The store keeps the parameters, so whoever writes the database chooses them. Hence bounds on both sides: below, guessing
//! would become cheap; above, starting would exhaust the machine.

use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Params, Version};

use super::{
    errors::{MasterKeyError, RandomError},
    key_bytes::KeyBytes,
    random,
    secret::Secret,
};

/// The shortest passphrase accepted, in bytes: six words of a word list are longer, a person's favourite password is not.
const PASSPHRASE_BYTES_MIN: usize = 12;
/// From OWASP's least (19 MiB with two passes) up to 1 GiB, which a small machine can still spare while it starts.
const MEMORY_KIB: RangeInclusive<u32> = 19_456..=1_048_576;
/// Up to 16 passes: with the most memory that is some ten seconds, once, at the start.
const ITERATIONS: RangeInclusive<u32> = 2..=16;
/// Lanes. They are computed one after another, so more of them only change the result.
const PARALLELISM: RangeInclusive<u32> = 1..=16;
/// RFC 9106 asks for 16 bytes.
const SALT_BYTES: RangeInclusive<usize> = 16..=64;

/// What the store keeps of a passphrase: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseParameters {
    /// Random bytes, unlike those of any other passphrase: 16 to 64.
    pub salt: Vec<u8>,
    /// Memory in KiB: 19,456 to 1,048,576.
    pub memory_kib: u32,
    /// Passes over the memory: 2 to 16.
    pub iterations: u32,
    /// Lanes: 1 to 16.
    pub parallelism: u32,
}

/// What RFC 9106 advises where memory is scarce: 64 MiB, three passes, four lanes.
const MEMORY_KIB_NOW: u32 = 65_536;
const ITERATIONS_NOW: u32 = 3;
const PARALLELISM_NOW: u32 = 4;

impl PassphraseParameters {
    /// A fresh salt, and the costs of this release.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate() -> Result<Self, RandomError> {
        let salt = random::array::<16>()?.to_vec();
        Ok(Self {
            salt,
            memory_kib: MEMORY_KIB_NOW,
            iterations: ITERATIONS_NOW,
            parallelism: PARALLELISM_NOW,
        })
    }

    /// Guessing is cheaper than under those of this release: the passphrase is to give a new key.
    #[must_use]
    pub const fn are_outdated(&self) -> bool {
        Self::is_cheap(self.memory_kib, self.iterations)
    }

    /// The same of these costs alone.
    #[must_use]
    pub const fn is_cheap(memory_kib: u32, iterations: u32) -> bool {
        memory_kib < MEMORY_KIB_NOW || iterations < ITERATIONS_NOW
    }
}

/// Argon2id of the passphrase.
pub(super) fn stretch(
    passphrase: &Secret,
    parameters: &PassphraseParameters,
) -> Result<KeyBytes, MasterKeyError> {
    if passphrase.len() < PASSPHRASE_BYTES_MIN {
        return Err(MasterKeyError::PassphraseLength {
            found: passphrase.len(),
            min: PASSPHRASE_BYTES_MIN,
        });
    }
    check(parameters)?;
    let costs = Params::new(
        parameters.memory_kib,
        parameters.iterations,
        parameters.parallelism,
        Some(32),
    );
    let argon2 = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        costs.map_err(MasterKeyError::Stretch)?,
    );
    let mut key = KeyBytes::zeroed();
    argon2
        .hash_password_into(passphrase.expose(), &parameters.salt, key.expose_mut())
        .map_err(MasterKeyError::Stretch)?;
    Ok(key)
}

fn check(parameters: &PassphraseParameters) -> Result<(), MasterKeyError> {
    let salt_bytes = *SALT_BYTES.start() as u64..=*SALT_BYTES.end() as u64;
    within("salt length", parameters.salt.len() as u64, &salt_bytes)?;
    within(
        "memory_kib",
        parameters.memory_kib.into(),
        &wide(&MEMORY_KIB),
    )?;
    within(
        "iterations",
        parameters.iterations.into(),
        &wide(&ITERATIONS),
    )?;
    within(
        "parallelism",
        parameters.parallelism.into(),
        &wide(&PARALLELISM),
    )
}

fn wide(range: &RangeInclusive<u32>) -> RangeInclusive<u64> {
    u64::from(*range.start())..=u64::from(*range.end())
}

fn within(
    name: &'static str,
    found: u64,
    range: &RangeInclusive<u64>,
) -> Result<(), MasterKeyError> {
    if range.contains(&found) {
        return Ok(());
    }
    Err(MasterKeyError::Parameter {
        name,
        found,
        min: *range.start(),
        max: *range.end(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheapest() -> PassphraseParameters {
        PassphraseParameters {
            salt: vec![0x22; 16],
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }

    fn key_of(passphrase: &str, parameters: &PassphraseParameters) -> [u8; 32] {
        *stretch(&Secret::from_string(passphrase.to_owned()), parameters)
            .unwrap()
            .expose()
    }

    fn refused(change: impl Fn(&mut PassphraseParameters)) -> String {
        let mut parameters = cheapest();
        change(&mut parameters);
        let passphrase = Secret::from_string("correct horse battery".to_owned());
        stretch(&passphrase, &parameters).unwrap_err().to_string()
    }

    #[test]
    fn a_known_passphrase_gives_the_known_key() {
        let known = "34c507a8fc0a5ac43d79bb49cfdff5d4fc96c1c82f346a5a98323d4e57528201";
        let key = key_of("correct horse battery", &cheapest());
        assert_eq!(key.map(|byte| format!("{byte:02x}")).concat(), known);
    }

    #[test]
    fn another_passphrase_salt_or_cost_gives_another_key() {
        let passphrase = "correct horse battery";
        let changed = |change: fn(&mut PassphraseParameters)| {
            let mut parameters = cheapest();
            change(&mut parameters);
            key_of(passphrase, &parameters)
        };
        let key = key_of(passphrase, &cheapest());
        assert_ne!(key, key_of("correct horse batterz", &cheapest()));
        assert_ne!(key, changed(|p| p.salt[0] ^= 1));
        assert_ne!(key, changed(|p| p.iterations += 1));
        assert_ne!(key, changed(|p| p.memory_kib += 4));
        assert_ne!(key, changed(|p| p.parallelism += 1));
    }

    #[test]
    fn a_database_writer_can_neither_weaken_the_parameters_nor_exhaust_the_machine() {
        assert!(
            refused(|p| p.memory_kib = 19_455)
                .contains("memory_kib is 19455, outside 19456 to 1048576")
        );
        assert!(refused(|p| p.memory_kib = u32::MAX).contains("memory_kib"));
        assert!(refused(|p| p.iterations = 1).contains("iterations"));
        assert!(refused(|p| p.iterations = u32::MAX).contains("iterations"));
        assert!(refused(|p| p.parallelism = 0).contains("parallelism"));
        assert!(refused(|p| p.parallelism = u32::MAX).contains("parallelism"));
        assert!(refused(|p| p.salt.truncate(15)).contains("salt length"));
        assert!(refused(|p| p.salt = vec![0; 65]).contains("salt length"));
    }

    #[test]
    fn the_default_costs_are_within_the_bounds_and_salts_differ() {
        let parameters = PassphraseParameters::generate().unwrap();
        check(&parameters).unwrap();
        assert!(!parameters.are_outdated() && cheapest().are_outdated());
        assert_ne!(
            parameters.salt,
            PassphraseParameters::generate().unwrap().salt
        );
    }

    #[test]
    fn a_short_passphrase_is_refused_without_repeating_it() {
        let error = stretch(&Secret::from_string("hunter2".to_owned()), &cheapest()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a passphrase has at least 12 bytes, this has 7"
        );
    }
}
