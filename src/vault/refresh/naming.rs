//! Rows that are not believed, told to the log by the name that people know them by.

use uuid::Uuid;

use crate::domain::account::Account;
use crate::domain::key::KeyVersion;
use crate::domain::name::{KeyName, VersionName};
use crate::live::registry::Registry;
use crate::store::Stored;
use crate::vault::VaultKeys;

/// The name of a version, whose key and account were taken up before it.
pub(super) fn name_of(registry: &Registry, version: &KeyVersion) -> String {
    let key = registry.keys.get(&version.key_uid);
    let account = key.and_then(|key| registry.accounts.get(&key.account_uid));
    let Some((key, account)) = key.zip(account) else {
        return format!("version {} of a key that is not believed", version.number);
    };
    let key = KeyName {
        account: account.id.clone(),
        key: key.id.clone(),
    };
    let number = version.number;
    VersionName { key, number }.to_string()
}

/// A row, if it is believed.
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
