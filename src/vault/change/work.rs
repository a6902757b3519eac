//! What a verb works with.

use sqlx::PgConnection;

use crate::crypto::Fingerprint;
use crate::domain::rows_left::Cut;
use crate::domain::time::Timestamp;
use crate::vault::{CallerRef, VaultKeys};

/// What a verb works with.
#[derive(Debug)]
pub struct Work<'a> {
    /// The transaction.
    pub conn: &'a mut PgConnection,
    /// The keys in force.
    pub keys: &'a VaultKeys,
    /// The revision of this change: goes into every row that it touches.
    pub rev: i64,
    /// When it happens, by the database's clock.
    pub now: Timestamp,
    /// Who makes it.
    pub caller: &'a CallerRef,
    /// Why, as the caller gave it.
    pub reason: &'a str,
    /// Audit records besides the one of the change itself: resources, and what became of them.
    pub(super) notes: Vec<(String, String)>,
    /// Audit records that it removes.
    pub(super) cut: Option<Cut>,
    /// The promotion that it makes, by its number.
    pub(super) promotion: Option<(i64, Fingerprint)>,
}

impl Work<'_> {
    /// Adds an audit record about another resource of the same change.
    pub(in crate::vault) fn note(&mut self, resource: String, summary: String) {
        self.notes.push((resource, summary));
    }

    /// Records of changes are removed: none before the last of them may say the last word on a row any more.
    pub(in crate::vault) const fn cuts(&mut self, cut: Cut) {
        self.cut = Some(cut);
    }

    /// A master key is promoted by it: once that is committed, no earlier promotion is believed here.
    pub(in crate::vault) const fn promotes(&mut self, number: i64, fingerprint: Fingerprint) {
        self.promotion = Some((number, fingerprint));
    }

    /// Whether what it reads of promotions is committed: nothing of it is its own.
    pub(in crate::vault) const fn promotes_nothing(&self) -> bool {
        self.promotion.is_none()
    }
}
