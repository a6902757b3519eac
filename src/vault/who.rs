//! Whose words verdicts are, by name.

use uuid::Uuid;

use super::Vault;
use crate::domain::name::CallerName;
use crate::domain::transition::Who;

impl Vault {
    /// Whose word it is, as histories and reasons have it.
    pub(super) fn name_of(&self, who: Who) -> String {
        let name = |caller: Uuid| {
            let snapshot = self.live.glance();
            let known = snapshot.callers.get(&caller);
            known.map_or_else(
                || format!("callers/{caller}"),
                |caller| CallerName(caller.id.clone()).to_string(),
            )
        };
        match who {
            Who::Caller(caller) => name(caller),
            Who::Canary(caller) => format!("canary of {}", name(caller)),
            Who::Probe => "probe".to_owned(),
        }
    }
}
