//! What a probe says of a version, and whose words verdicts are, by name.

use uuid::Uuid;

use super::Vault;
use crate::domain::name::CallerName;
use crate::domain::pool::HealthPolicy;
use crate::domain::transition::Who;
use crate::domain::vitals::Event;
use crate::live::owed::Judgement;
use crate::store;

impl Vault {
    /// A probe has tried a version with its own secret. One that is rejected is dead; one that is dead and was taken has served its time,
    /// and one canary lease decides. Committed before this answers, unless the database is away: then as soon as it is back.
    ///
    /// # Errors
    /// As every query.
    pub async fn probed(
        &self,
        version_uid: Uuid,
        policy: &HealthPolicy,
        is_well: bool,
        why: &str,
    ) -> store::Result<()> {
        let snapshot = self.live.snapshot();
        let Some(version) = snapshot.versions.get(&version_uid) else {
            return Ok(());
        };
        let now = self.live.now().database;
        let event = Event::Probed { is_well };
        let refuted = version.live.on(event, policy, why, Who::Probe, now);
        self.live.refuted(refuted);
        self.commit(Judgement {
            account_uid: version.key.account_uid,
            version_uid,
            canary_issuer: None,
        })
        .await
    }

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
