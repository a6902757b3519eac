//! The row of a promotion.

use super::ProtectedRow;
use crate::crypto::MacField;

/// Which master key is promoted: columns of the row of `cluster`.
#[derive(Debug)]
pub struct PromotionRow<'a> {
    /// Its fingerprint.
    pub master_key: &'a str,
    /// How many promotions there have been with this one; none where an earlier release wrote it.
    pub number: Option<i64>,
}

impl ProtectedRow for PromotionRow<'_> {
    const TABLE: &'static str = "promoted master key";

    fn label(&self) -> &'static str {
        match self.number {
            None => Self::TABLE,
            Some(_) => "numbered promotion of a master key",
        }
    }

    fn fields(&self) -> Vec<MacField<'_>> {
        let master_key = self.master_key.into();
        match self.number {
            None => vec![master_key],
            Some(number) => vec![master_key, number.into()],
        }
    }
}
