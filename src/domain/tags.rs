//! Tags of leases: a few bounded labels for charge-back. They travel in the lease id, which has a size.

use std::sync::Arc;

use super::field::{FieldError, Parsed};
use super::labels::check_pair;
use super::wire::{Malformed, Reader, Writer};

/// The most tags of one lease.
pub const TAGS_MAX: usize = 8;
/// The most bytes of all keys and values together: a lease id carries them beside what was drawn from up to 64 limits, and has a size.
pub const TAGS_BYTES_MAX: usize = 256;

/// Pairs in the order of their keys. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tags(Arc<[(String, String)]>);

impl Tags {
    /// Parses a field.
    ///
    /// # Errors
    /// Names the field, the key at fault, and the bound.
    pub fn parse(field: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Parsed<Self> {
        let mut tags: Vec<_> = pairs.into_iter().collect();
        if tags.len() > TAGS_MAX {
            let message = format!("has {} pairs, at most {TAGS_MAX} are allowed", tags.len());
            return Err(FieldError::new(field, message));
        }
        for (key, value) in &tags {
            check_pair(field, key, value)?;
        }
        let bytes: usize = tags.iter().map(|(k, v)| k.len() + v.len()).sum();
        if bytes > TAGS_BYTES_MAX {
            let message = format!(
                "has {bytes} bytes in all keys and values, at most {TAGS_BYTES_MAX} are allowed"
            );
            return Err(FieldError::new(field, message));
        }
        tags.sort();
        Ok(Self(tags.into()))
    }

    /// The pairs, ordered by key.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Appends them.
    pub(super) fn encode(&self, to: &mut Writer) {
        to.number(self.0.len() as u64);
        for (key, value) in &*self.0 {
            to.text(key);
            to.text(value);
        }
    }

    /// As they were appended.
    ///
    /// # Errors
    /// When they are cut short, or more than a lease has.
    pub(super) fn decode(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count: usize = from.number_as()?;
        if count > TAGS_MAX {
            return Err(Malformed);
        }
        let tags = (0..count).map(|_| Ok((from.text()?, from.text()?)));
        Ok(Self(tags.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(pairs: &[(&str, &str)]) -> Parsed<Tags> {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Tags::parse("tags", owned)
    }

    #[test]
    fn tags_are_few_short_and_plain() {
        let tags = parsed(&[("team", "search"), ("env", "prod")]).unwrap();
        assert_eq!(tags.pairs()[0].0, "env");
        let (long, longer) = ("v".repeat(128), "k".repeat(64));
        for wrong in [
            vec![("Team", "x")],
            vec![("", "x")],
            vec![(longer.as_str(), "x")],
            vec![("team", "a\u{1b}[2J")],
            vec![("a", long.as_str()), ("b", long.as_str())],
        ] {
            assert!(
                parsed(&wrong).unwrap_err().field.starts_with("tags"),
                "{wrong:?}"
            );
        }
        let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(|key| (key, ""));
        assert!(parsed(&nine).is_err());
        assert!(parsed(&nine[..8]).is_ok());
    }

    proptest! {
        #[test]
        fn tags_come_back_as_they_were_within_their_bound(
            pairs in proptest::collection::btree_map("[a-z0-9_./-]{1,12}", "\\PC{0,12}", 0..8)
        ) {
            let Ok(tags) = Tags::parse("tags", pairs) else { return Ok(()) };
            let mut writer = Writer::new(1);
            tags.encode(&mut writer);
            let bytes = writer.into_bytes();
            prop_assert!(bytes.len() <= TAGS_BYTES_MAX + 4 * TAGS_MAX + 2);
            let mut reader = Reader::new(&bytes, 1).unwrap();
            prop_assert_eq!(Tags::decode(&mut reader), Ok(tags));
            prop_assert_eq!(reader.end(), Ok(()));
        }
    }
}
