//! Rows that this release cannot read: a newer one wrote them, or somebody by hand. What was known of them is void.

use uuid::Uuid;

use crate::domain::id::Id;
use crate::store::accounts::AccountRow;
use crate::store::callers::CallerRow;
use crate::store::grants::GrantRow;
use crate::store::key_versions::KeyVersionRow;
use crate::store::keys::KeyRow;
use crate::store::limit_rows::LimitRow;
use crate::store::pool_members::MemberRow;
use crate::store::pools::PoolRow;
use crate::store::{Error, Result};

/// A row that cannot be read, by its uid and what others need to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// An account, by its name if that can be read.
    Account(Uuid, Option<Id>),
    /// A limit, and its owner: who has a limit that nobody can keep must not be served.
    Limit(Uuid, Uuid),
    /// A key, and its account.
    Key(Uuid, Uuid),
    /// A version.
    Version(Uuid),
    /// A pool, by its name if that can be read.
    Pool(Uuid, Option<Id>),
    /// A member of this pool.
    Member(Uuid),
    /// A caller.
    Caller(Uuid),
    /// A grant of this caller.
    Grant(Uuid),
}

/// The rows that can be read; the others are logged and noted.
pub(super) fn readable<R, T>(rows: Vec<R>, unread: &mut Vec<Unread>) -> Vec<T>
where
    for<'a> Unread: From<&'a R>,
    T: TryFrom<R, Error = Error>,
{
    let mut read = Vec::with_capacity(rows.len());
    for row in rows {
        let otherwise = Unread::from(&row);
        let parsed: Result<T> = row.try_into();
        match parsed {
            Ok(parsed) => read.push(parsed),
            Err(error) => {
                tracing::error!(%error, "a row cannot be read, it counts as taken out");
                unread.push(otherwise);
            }
        }
    }
    read
}

fn id(text: &str) -> Option<Id> {
    Id::parse("id", text).ok()
}

macro_rules! unread {
    ($($row:ty: $name:ident => $what:expr;)+) => {$(
        impl From<&$row> for Unread {
            fn from($name: &$row) -> Self {
                $what
            }
        }
    )+};
}

unread! {
    AccountRow: row => Self::Account(row.uid, id(&row.id));
    LimitRow: row => Self::Limit(row.uid, row.owner_uid);
    KeyRow: row => Self::Key(row.uid, row.account_uid);
    KeyVersionRow: row => Self::Version(row.uid);
    PoolRow: row => Self::Pool(row.uid, id(&row.id));
    MemberRow: row => Self::Member(row.pool_uid);
    CallerRow: row => Self::Caller(row.uid);
    GrantRow: row => Self::Grant(row.caller_uid);
}
