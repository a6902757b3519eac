//! What each protected row puts under its MAC: every column from which a right, a target or a state of use follows. Labels, times
//! of change and revisions stay out, since nothing is granted by them.

use uuid::Uuid;

use super::row_mac::{MacField, MacKey};
use crate::domain::account::Account;
use crate::domain::caller::{Caller, Grant, Token};
use crate::domain::disablement::Disablement;
use crate::domain::journal::Journaling;
use crate::domain::key::Key;
use crate::domain::pool::{Member, Pool, Target};
use crate::domain::rotator::{Reference, Rotator};

mod promotion;

pub use promotion::PromotionRow;

/// A row that a database writer must not be able to make or change.
pub trait ProtectedRow {
    /// The table it is in.
    const TABLE: &'static str;

    /// What its MAC is made for: the table, or another name for rows that have more fields than those of earlier releases.
    fn label(&self) -> &'static str {
        Self::TABLE
    }

    /// Its canonical fields. The order and number of fields are a stored format: never change them, add a new table label.
    fn fields(&self) -> Vec<MacField<'_>>;
}

impl MacKey {
    /// The MAC to store with a row.
    pub fn of_row<R: ProtectedRow>(&self, row: &R) -> [u8; 32] {
        self.mac(row.label(), &row.fields())
    }

    /// Whether a stored MAC belongs to a row, in constant time.
    pub fn verifies_row<R: ProtectedRow>(&self, row: &R, mac: &[u8]) -> bool {
        self.verify(row.label(), &row.fields(), mac)
    }
}

impl ProtectedRow for Account {
    const TABLE: &'static str = "accounts";

    fn fields(&self) -> Vec<MacField<'_>> {
        let mut fields = vec![
            (&self.meta.uid).into(),
            self.id.as_str().into(),
            self.profile.as_str().into(),
            self.endpoint.base_url.as_str().into(),
            self.endpoint.allow_http.into(),
        ];
        push_list(
            &mut fields,
            self.endpoint.allowed_hosts.iter().map(String::as_str),
        );
        let placement = self.placement.as_ref();
        fields.push(placement.map(|place| place.kind.as_str()).into());
        fields.push(placement.map(|place| place.name.as_str()).into());
        fields.push(placement.map(|place| place.prefix.as_str()).into());
        push_disablement(&mut fields, self.disablement.as_ref());
        fields
    }
}

impl ProtectedRow for Key {
    const TABLE: &'static str = "keys";

    fn fields(&self) -> Vec<MacField<'_>> {
        let mut fields = vec![
            (&self.meta.uid).into(),
            (&self.account_uid).into(),
            self.id.as_str().into(),
        ];
        push_list(
            &mut fields,
            self.models.allow.iter().map(|pattern| pattern.as_str()),
        );
        push_list(
            &mut fields,
            self.models.deny.iter().map(|pattern| pattern.as_str()),
        );
        let map = &self.models.map;
        push_list(
            &mut fields,
            map.iter().flat_map(|(from, to)| [from.as_str(), to]),
        );
        push_disablement(&mut fields, self.disablement.as_ref());
        fields
    }
}

impl ProtectedRow for Pool {
    const TABLE: &'static str = "pools";

    /// A pool with rules or a journal of its own is one that earlier releases do not believe, rather than judge without them.
    fn label(&self) -> &'static str {
        match (self.journal == Journaling::Rollup, &self.failure_rules) {
            (true, None) => Self::TABLE,
            (true, Some(_)) => "pools with failure rules",
            (false, None) => "pools with a journal",
            (false, Some(_)) => "pools with failure rules and a journal",
        }
    }

    fn fields(&self) -> Vec<MacField<'_>> {
        let mut fields = vec![
            (&self.meta.uid).into(),
            self.id.as_str().into(),
            self.strategy.as_str().into(),
        ];
        push_disablement(&mut fields, self.disablement.as_ref());
        if let Some(rules) = &self.failure_rules {
            fields.push(rules.text().into());
        }
        if self.journal != Journaling::Rollup {
            fields.push(self.journal.as_str().into());
        }
        fields
    }
}

/// A row of `pool_members`.
#[derive(Debug)]
pub struct MemberRow<'a> {
    /// The pool's uid.
    pub pool_uid: &'a Uuid,
    /// The member.
    pub member: &'a Member,
}

impl ProtectedRow for MemberRow<'_> {
    const TABLE: &'static str = "pool_members";

    fn fields(&self) -> Vec<MacField<'_>> {
        let (kind, uid) = match &self.member.target {
            Target::Account(uid) => ("account", uid),
            Target::Key(uid) => ("key", uid),
        };
        vec![
            self.pool_uid.into(),
            kind.into(),
            uid.into(),
            i64::from(self.member.tier).into(),
            i64::from(self.member.weight).into(),
        ]
    }
}

impl ProtectedRow for Caller {
    const TABLE: &'static str = "callers";

    fn fields(&self) -> Vec<MacField<'_>> {
        let mut fields = vec![(&self.meta.uid).into(), self.id.as_str().into()];
        push_disablement(&mut fields, self.disablement.as_ref());
        fields
    }
}

/// A row of `grants`.
#[derive(Debug)]
pub struct GrantRow<'a> {
    /// The caller's uid.
    pub caller_uid: &'a Uuid,
    /// What it may do.
    pub grant: &'a Grant,
}

impl ProtectedRow for GrantRow<'_> {
    const TABLE: &'static str = "grants";

    fn fields(&self) -> Vec<MacField<'_>> {
        vec![
            self.caller_uid.into(),
            self.grant.role().into(),
            self.grant.pool_pattern().into(),
        ]
    }
}

impl ProtectedRow for Token {
    const TABLE: &'static str = "tokens";

    fn fields(&self) -> Vec<MacField<'_>> {
        vec![
            self.id.as_str().into(),
            (&self.uid).into(),
            (&self.caller_uid).into(),
            self.hash.as_slice().into(),
            self.expire_time.map(|time| time.micros()).into(),
            self.revoke_time.map(|time| time.micros()).into(),
        ]
    }
}

impl ProtectedRow for Rotator {
    const TABLE: &'static str = "rotators";

    fn fields(&self) -> Vec<MacField<'_>> {
        vec![
            (&self.account_uid).into(),
            self.url.as_str().into(),
            self.allow_http.into(),
            i64::from(self.generation).into(),
        ]
    }
}

impl ProtectedRow for Reference {
    const TABLE: &'static str = "provider_references";

    fn fields(&self) -> Vec<MacField<'_>> {
        vec![(&self.version_uid).into(), self.reference.as_str().into()]
    }
}

/// A list is its length, then its items, so that neighbours cannot trade items.
fn push_list<'a>(fields: &mut Vec<MacField<'a>>, items: impl Iterator<Item = &'a str>) {
    let place = fields.len();
    fields.push(MacField::Null);
    fields.extend(items.map(MacField::from));
    let count = fields.len() - place - 1;
    fields[place] = MacField::Integer(i64::try_from(count).unwrap_or(i64::MAX));
}

/// Always four fields, all null where nothing is disabled.
fn push_disablement<'a>(fields: &mut Vec<MacField<'a>>, disablement: Option<&'a Disablement>) {
    fields.push(disablement.map(|word| word.why.as_str()).into());
    fields.push(disablement.map(|word| word.since.micros()).into());
    let until = disablement.and_then(|word| word.until);
    fields.push(until.map(|time| time.micros()).into());
    fields.push(disablement.map(|word| word.by.as_str()).into());
}
