//! Versions by the name that people know them by, for the log.

use crate::domain::key::KeyVersion;
use crate::domain::name::{KeyName, VersionName};
use crate::live::registry::Registry;

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
