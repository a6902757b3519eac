//! The one door to randomness: the operating system's, and an error when it has none.

use super::errors::RandomError;

/// Fills `bytes` with unpredictable bytes.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    Ok(getrandom::fill(bytes)?)
}

/// Unpredictable bytes that are not secret: nonces, salts, ids.
pub(super) fn array<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}
