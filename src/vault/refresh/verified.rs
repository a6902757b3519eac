//! Whether a row is believed.

use uuid::Uuid;

use crate::domain::account::Account;
use crate::store::Stored;
use crate::vault::VaultKeys;

/// The row, if it is believed.
pub(super) fn verified<R: crate::crypto::ProtectedRow + HasUid>(
    keys: &VaultKeys,
    stored: Stored<R>,
) -> Option<R> {
    let holds = keys.mac.verifies_row(&stored.resource, &stored.mac);
    let (id, uid) = (stored.resource.row_id(), stored.resource.uid());
    is_ours(holds, R::TABLE, id, uid).then_some(stored.resource)
}

/// Says so, once per change, where a row was made or edited by somebody who does not have the cluster key.
pub(super) fn is_ours(holds: bool, table: &str, id: &str, uid: Uuid) -> bool {
    if !holds {
        tracing::error!(table, row.id = id, row.uid = %uid, "a row was changed outside of keylease, it is not used");
    }
    holds
}

/// Names a row in the log.
pub(super) trait HasUid {
    fn uid(&self) -> Uuid;
    /// The last part of its name, as the row has it.
    fn row_id(&self) -> &str;
}

macro_rules! has_uid {
    ($($type:path: $($field:ident).+;)+) => {$(
        impl HasUid for $type {
            fn uid(&self) -> Uuid {
                self.$($field).+
            }

            fn row_id(&self) -> &str {
                self.id.as_str()
            }
        }
    )+};
}

has_uid! {
    Account: meta.uid;
    crate::domain::key::Key: meta.uid;
    crate::domain::pool::Pool: meta.uid;
    crate::domain::caller::Caller: meta.uid;
    crate::domain::caller::Token: uid;
}
