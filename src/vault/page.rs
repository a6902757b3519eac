//! Pages of lists: the token says where the page before ended, and holds only for the same list with the same filter.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::keys::VaultKeys;
use crate::domain::field::{FieldError, Parsed, bounded};
use crate::store::Slice;

/// The page size where none is asked for.
pub const PAGE_SIZE_DEFAULT: i32 = 100;
/// The largest page.
pub const PAGE_SIZE_MAX: i32 = 1_000;
/// The longest page token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 1_024;
const TAG_BYTES: usize = 16;

/// The page that is asked for.
#[derive(Debug, Clone)]
pub struct Page {
    size: i64,
    after: Option<String>,
    query: Vec<String>,
}

impl Page {
    /// Parses `page_size` and `page_token`. `query` is the method and everything that must stay the same from page to page.
    ///
    /// # Errors
    /// Names the field and the bound.
    pub fn parse(keys: &VaultKeys, query: &[&str], size: i32, token: &str) -> Parsed<Self> {
        let size = if size == 0 { PAGE_SIZE_DEFAULT } else { size };
        let size = bounded("page_size", size, 1, PAGE_SIZE_MAX)?;
        let mut page = Self {
            size: size.into(),
            after: None,
            query: query.iter().map(|part| (*part).to_owned()).collect(),
        };
        if !token.is_empty() {
            page.after = Some(page.open(keys, token).ok_or_else(|| {
                FieldError::new("page_token", "is not of this list, send it unchanged with the same parent and filter, or leave it empty")
            })?);
        }
        Ok(page)
    }

    /// What to read: one row more than the page holds shows whether there is a next.
    #[must_use]
    pub fn slice(&self) -> Slice<'_> {
        Slice {
            after: self.after.as_deref(),
            rows_max: self.size + 1,
        }
    }

    /// For lists that go from the newest number down: the number that the page before ended with, or one above all.
    pub(super) fn number_before(&self) -> u32 {
        let after = self.after.as_deref().and_then(|number| number.parse().ok());
        after.unwrap_or(u32::MAX)
    }

    /// Cuts the extra row off, and answers the token of the next page; empty at the end.
    pub fn cut<T>(
        &self,
        keys: &VaultKeys,
        rows: &mut Vec<T>,
        cursor_of: impl Fn(&T) -> String,
    ) -> String {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        rows.last()
            .map(|last| self.seal(keys, &cursor_of(last)))
            .unwrap_or_default()
    }

    fn seal(&self, keys: &VaultKeys, cursor: &str) -> String {
        let mut token = self.tag(keys, cursor).to_vec();
        token.extend_from_slice(cursor.as_bytes());
        URL_SAFE_NO_PAD.encode(token)
    }

    fn open(&self, keys: &VaultKeys, token: &str) -> Option<String> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (tag, cursor) = bytes.split_at_checked(TAG_BYTES)?;
        let cursor = std::str::from_utf8(cursor).ok()?;
        bool::from(self.tag(keys, cursor).ct_eq(tag)).then(|| cursor.to_owned())
    }

    fn tag(&self, keys: &VaultKeys, cursor: &str) -> [u8; TAG_BYTES] {
        let mut parts = vec![b"page-token".as_slice(), cursor.as_bytes()];
        parts.extend(self.query.iter().map(String::as_bytes));
        let hash = keys.request.hash(&parts);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&hash[..TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{ClusterKey, KeyRing, MasterKey};

    fn keys() -> VaultKeys {
        let ring = KeyRing::new(MasterKey::generate().unwrap(), vec![]).unwrap();
        VaultKeys::new(ring, ClusterKey::generate().unwrap())
    }

    #[test]
    fn a_token_leads_to_the_row_after_the_page() {
        let keys = keys();
        let page = Page::parse(&keys, &["List", ""], 2, "").unwrap();
        let mut rows = vec!["a", "b", "c"];
        let token = page.cut(&keys, &mut rows, |row| (*row).to_owned());
        assert_eq!(rows, ["a", "b"]);
        let next = Page::parse(&keys, &["List", ""], 2, &token).unwrap();
        assert_eq!(next.slice().after, Some("b"));
        let mut rows = vec!["c"];
        assert_eq!(next.cut(&keys, &mut rows, |row| (*row).to_owned()), "");
    }

    #[test]
    fn a_token_of_another_list_filter_or_cluster_is_refused() {
        let (keys, others) = (keys(), self::keys());
        let page = Page::parse(&keys, &["List", "x"], 1, "").unwrap();
        let token = page.cut(&keys, &mut vec![1, 2], ToString::to_string);
        assert!(Page::parse(&keys, &["List", "x"], 5, &token).is_ok());
        assert!(Page::parse(&keys, &["List", "y"], 1, &token).is_err());
        assert!(Page::parse(&keys, &["Other", "x"], 1, &token).is_err());
        assert!(Page::parse(&others, &["List", "x"], 1, &token).is_err());
        assert!(Page::parse(&keys, &["List", "x"], 1, "AAAA").is_err());
        assert!(Page::parse(&keys, &["List", "x"], 1, &"A".repeat(5_000)).is_err());
    }

    #[test]
    fn a_page_has_from_1_to_1000_rows() {
        let keys = keys();
        assert!(Page::parse(&keys, &[], -1, "").is_err());
        assert!(Page::parse(&keys, &[], 1_001, "").is_err());
        assert_eq!(
            Page::parse(&keys, &[], 0, "").unwrap().slice().rows_max,
            101
        );
    }
}
