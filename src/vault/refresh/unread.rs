//! Rows that this release cannot read, as they are taken out: what was known of them would be another row than what is stored.

use crate::domain::pool::Pool;
use crate::live::registry::Registry;
use crate::store::changes::Unread;

/// Takes them out, and remembers them so that what is refused for their sake can say so. Members and grants went with the rest of their
/// pool or caller, which was read anew.
pub(super) fn take_out(registry: &mut Registry, unread: &[Unread]) {
    let distrusted = &mut registry.distrusted;
    for row in unread {
        match row {
            Unread::Account(uid, id) => {
                registry.accounts.remove(uid);
                distrusted.accounts.insert(*uid, id.clone());
            }
            Unread::Limit(uid, owner_uid) => {
                registry.limits.remove(uid);
                distrusted.limits.insert(*uid, *owner_uid);
            }
            Unread::Key(uid, account_uid) => {
                registry.keys.remove(uid);
                distrusted.keys.insert(*uid, (*account_uid, None));
            }
            Unread::Version(uid) => drop(registry.versions.remove(uid)),
            Unread::Pool(uid, id) => {
                registry.pools.remove(uid);
                distrusted.pools.insert(*uid, id.clone());
            }
            Unread::Caller(uid) => {
                registry.callers.remove(uid);
                distrusted.callers.insert(*uid, ());
            }
            Unread::Member(_) | Unread::Grant(_) => {}
        }
    }
}

/// Rules of a pool that cannot be read are left out, and the built-in ones judge alone: without any lease of it, its callers would be
/// worse off. It also compiles those that can be, so that no report waits for it.
pub(super) fn say_rules(pool: &Pool) {
    let rules = pool.failure_rules.as_ref();
    if let Some(error) = rules.and_then(|rules| rules.fault()) {
        tracing::error!(pool.name = %pool.id, error, "failure rules of a pool cannot be read, the built-in ones judge alone");
    }
}
