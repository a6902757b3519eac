//! The master keys this process holds: one promoted, which wraps, and others, which only unwrap until they are retired.

use super::{
    errors::{KeyRingError, MissingMasterKey},
    fingerprint::Fingerprint,
    master_key::MasterKey,
};

/// Keys in one ring. Rotation needs two; the rest is slack for one that went wrong halfway.
const KEYS_MAX: usize = 16;

/// The keys, the promoted one first. Never empty.
#[derive(Debug)]
pub struct KeyRing {
    promoted: MasterKey,
    others: Vec<MasterKey>,
}

impl KeyRing {
    /// A ring of these keys.
    ///
    /// # Errors
    /// A key is given twice, or there are more than sixteen.
    pub fn new(promoted: MasterKey, others: Vec<MasterKey>) -> Result<Self, KeyRingError> {
        let found = others.len() + 1;
        if found > KEYS_MAX {
            return Err(KeyRingError::TooMany {
                found,
                max: KEYS_MAX,
            });
        }
        let ring = Self { promoted, others };
        let fingerprints = ring.fingerprints();
        let duplicate =
            (1..found).find(|&place| fingerprints[..place].contains(&fingerprints[place]));
        match duplicate {
            Some(place) => Err(KeyRingError::Duplicate(fingerprints[place])),
            None => Ok(ring),
        }
    }

    /// Reads a file of keys, one to a line, the promoted one first. Blank lines and lines that start with `#` say nothing.
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
        keys.pop().map_or(Err(KeyRingError::Empty), |promoted| {
            Self::new(promoted, others)
        })
    }

    /// The key that wraps whatever is sealed from now on.
    pub fn promoted(&self) -> &MasterKey {
        &self.promoted
    }

    /// The key of this fingerprint.
    ///
    /// # Errors
    /// The ring lacks it; the error names what is there instead.
    pub fn find(&self, fingerprint: &Fingerprint) -> Result<&MasterKey, MissingMasterKey> {
        self.keys()
            .find(|key| key.fingerprint() == *fingerprint)
            .ok_or_else(|| MissingMasterKey {
                wanted: *fingerprint,
                present: self.fingerprints(),
            })
    }

    /// The fingerprints of all keys, the promoted one first.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.keys().map(MasterKey::fingerprint).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.promoted).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(key: &MasterKey) -> String {
        String::from_utf8(key.to_text().expose().to_vec()).unwrap()
    }

    #[test]
    fn the_first_key_of_a_file_is_promoted_and_the_others_are_found() {
        let (first, second) = (MasterKey::known(1), MasterKey::known(2));
        let text = format!(
            "# ours\n\n  {}\r\n# old\n{}\n",
            text_of(&first),
            text_of(&second)
        );
        let ring = KeyRing::parse(&text).unwrap();
        assert_eq!(ring.promoted().fingerprint(), first.fingerprint());
        assert_eq!(
            ring.fingerprints(),
            [first.fingerprint(), second.fingerprint()]
        );
        assert_eq!(
            ring.find(&second.fingerprint()).unwrap().key().expose(),
            second.key().expose()
        );
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_not_repeated() {
        let text = format!("{}\n# x\nsk-canary-secret\n", text_of(&MasterKey::known(1)));
        let error = KeyRing::parse(&text).unwrap_err().to_string();
        assert_eq!(
            error,
            "line 3 of the master key file: a master key begins with klmk1_"
        );
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        assert!(matches!(
            KeyRing::parse("# nothing\n\n").unwrap_err(),
            KeyRingError::Empty
        ));
        assert!(matches!(
            KeyRing::parse("").unwrap_err(),
            KeyRingError::Empty
        ));
    }

    #[test]
    fn a_key_given_twice_is_refused_wherever_it_stands() {
        for order in [[1, 1, 2], [1, 2, 1], [1, 2, 2]] {
            let [promoted, others @ ..] = order.map(MasterKey::known);
            let error = KeyRing::new(promoted, others.into()).unwrap_err();
            assert!(matches!(error, KeyRingError::Duplicate(_)));
        }
    }

    #[test]
    fn a_ring_has_a_limit() {
        let others = |count: u8| (1..=count).map(MasterKey::known).collect();
        assert!(KeyRing::new(MasterKey::known(0), others(15)).is_ok());
        let error = KeyRing::new(MasterKey::known(0), others(16)).unwrap_err();
        assert!(matches!(
            error,
            KeyRingError::TooMany { found: 17, max: 16 }
        ));
    }

    #[test]
    fn a_missing_key_is_named_beside_those_present_and_how_to_provide_it() {
        let ring = KeyRing::new(MasterKey::known(1), vec![MasterKey::known(2)]).unwrap();
        let wanted = MasterKey::known(3).fingerprint();
        let [first, second] = ring.fingerprints()[..] else {
            unreachable!()
        };
        assert_eq!(
            ring.find(&wanted).unwrap_err().to_string(),
            format!(
                "this data was sealed with master key {wanted}; present: {first}, {second}; \
                 provide it with KEYLEASE_MASTER_KEY_FILE, or its passphrase with KEYLEASE_PASSPHRASE_FILE"
            )
        );
    }
}
