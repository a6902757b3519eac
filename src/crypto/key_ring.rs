//! The master keys this process holds. Which of them wraps is not said here: the cluster promotes one, and all that are held unwrap.

use std::sync::Arc;

use super::{
    errors::{KeyRingError, MissingMasterKey},
    fingerprint::Fingerprint,
    master_key::MasterKey,
};

/// Keys in one ring. Rotation needs two; the rest is slack for one that went wrong halfway.
const KEYS_MAX: usize = 16;

/// The keys, in the order in which they were given. Never empty. A copy of the ring shares them.
#[derive(Debug, Clone)]
pub struct KeyRing {
    first: Arc<MasterKey>,
    others: Vec<Arc<MasterKey>>,
    /// Keys that others are to take the place of, since one passphrase gave both here: no row of a database says so.
    replaced: Vec<(Fingerprint, Fingerprint)>,
}

impl KeyRing {
    /// A ring of these keys.
    ///
    /// # Errors
    /// A key is given twice, or there are more than sixteen.
    pub fn new(first: MasterKey, others: Vec<MasterKey>) -> Result<Self, KeyRingError> {
        let ring = Self {
            first: Arc::new(first),
            others: others.into_iter().map(Arc::new).collect(),
            replaced: Vec::new(),
        };
        ring.bounded()?;
        let fingerprints = ring.fingerprints();
        let duplicate = (1..fingerprints.len())
            .find(|&place| fingerprints[..place].contains(&fingerprints[place]));
        match duplicate {
            Some(place) => Err(KeyRingError::Duplicate(fingerprints[place])),
            None => Ok(ring),
        }
    }

    /// One ring of several, in their order. Two sources may give the same key: it is held once.
    ///
    /// # Errors
    /// There is no ring, or they hold more than sixteen keys.
    pub fn join(rings: impl IntoIterator<Item = Self>) -> Result<Self, KeyRingError> {
        let mut rings = rings.into_iter();
        let mut joined = rings.next().ok_or(KeyRingError::Empty)?;
        for ring in rings {
            for key in ring.keys() {
                if joined.find(&key.fingerprint()).is_err() {
                    joined.others.push(Arc::clone(key));
                }
            }
            joined.replaced.extend(ring.replaced);
        }
        joined.bounded()?;
        Ok(joined)
    }

    /// Reads a file of keys, one to a line. Blank lines and lines that start with `#` say nothing.
    ///
    /// # Errors
    /// Names the line that is not a key, and repeats nothing of it.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = MasterKey::parse(line).map_err(|source| KeyRingError::Line {
                number: index + 1,
                source,
            })?;
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(KeyRingError::Empty);
        }
        let others = keys.split_off(1);
        keys.pop()
            .map_or(Err(KeyRingError::Empty), |first| Self::new(first, others))
    }

    /// What is left without the keys that `is_kept` refuses; `None` if nothing is.
    #[must_use]
    pub fn retain(&self, is_kept: impl Fn(&Fingerprint) -> bool) -> Option<Self> {
        let kept = self.keys().filter(|key| is_kept(&key.fingerprint()));
        let mut kept = kept.map(Arc::clone);
        Some(Self {
            first: kept.next()?,
            others: kept.collect(),
            replaced: self.replaced.clone(),
        })
    }

    /// The same ring, in which `new` is to take the place of `old`.
    #[must_use]
    pub fn replacing(mut self, old: Fingerprint, new: Fingerprint) -> Self {
        self.replaced.push((old, new));
        self
    }

    /// The key that is to take the place of this one, if the ring has it.
    #[must_use]
    pub fn replacement_of(&self, old: &Fingerprint) -> Option<Fingerprint> {
        let mut pairs = self.replaced.iter();
        let new = pairs.find(|pair| pair.0 == *old).map(|pair| pair.1)?;
        self.find(&new).ok().map(|_| new)
    }

    /// The key that a new cluster begins with.
    pub fn first(&self) -> &MasterKey {
        &self.first
    }

    /// The key of this fingerprint.
    ///
    /// # Errors
    /// The ring lacks it; the error names what is there instead.
    pub fn find(&self, fingerprint: &Fingerprint) -> Result<&MasterKey, MissingMasterKey> {
        self.keys()
            .find(|key| key.fingerprint() == *fingerprint)
            .map(|key| &**key)
            .ok_or_else(|| MissingMasterKey {
                wanted: *fingerprint,
                present: self.fingerprints(),
            })
    }

    /// The fingerprints of all keys.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.keys().map(|key| key.fingerprint()).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<MasterKey>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn bounded(&self) -> Result<(), KeyRingError> {
        let found = self.others.len() + 1;
        if found > KEYS_MAX {
            return Err(KeyRingError::TooMany {
                found,
                max: KEYS_MAX,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
