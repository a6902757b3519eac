//! `ExplainLease`: why each key of a pool would or would not be chosen now, by this replica. Changes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::wishing::wish;
use super::{LeaseKey, Refusal, Result, Vault};
use crate::domain::caller::{Bearer, Caller};
use crate::domain::claims::RetryClaims;
use crate::domain::disablement::is_disabled;
use crate::domain::explanation::Explanation;
use crate::domain::name::{CallerName, PoolName};
use crate::domain::pool::{Estimate, Strategy};
use crate::domain::refusal::LeaseRefusal;
use crate::domain::tags::Tags;
use crate::live::choose::Now;
use crate::live::explain::{Explained, explain};
use crate::live::line;
use crate::live::snapshot::PoolEntry;

/// What would be asked for: one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainLease {
    /// The pool.
    pub pool: PoolName,
    /// The model.
    pub model: Option<String>,
    /// What the use is expected to consume; the pool's unless set.
    pub estimate: Option<Estimate>,
}

impl Vault {
    /// Explains what a lease would choose for whoever bears this, and if none, why not.
    ///
    /// # Errors
    /// The pool does not exist.
    pub async fn explain_lease(
        &self,
        bearer: &Bearer,
        asked: &ExplainLease,
    ) -> Result<Explanation> {
        let now = self.live.now();
        let call = call(asked, now);
        let refused = if is_disabled(bearer.caller.disablement.as_ref(), now.database) {
            Some(LeaseRefusal::TokenRejected)
        } else {
            self.admit(bearer, &call, now).err()
        };
        let Some(pool) = self.pool_entry(&asked.pool, refused.as_ref())? else {
            let none = Explained {
                refusal: refused,
                ..Explained::default()
            };
            return Ok(self.explanation(bearer, asked, None, none, now));
        };
        let avoided = RetryClaims::nothing(bearer.caller.meta.uid);
        let wish = wish(&pool, &call, &avoided, None, &self.live);
        let explained = explain(&self.live, &self.pool, &pool, &wish, now).await;
        let explained = Explained {
            refusal: refused.or(explained.refusal),
            ..explained
        };
        Ok(self.explanation(bearer, asked, Some(&pool), explained, now))
    }

    /// The caller of this name, as a lease would know it: as this replica does, or else as the database has it.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn explained_caller(&self, name: &CallerName) -> Result<Bearer> {
        let known = {
            let snapshot = self.live.glance();
            let mut callers = snapshot.callers.values();
            callers.find(|caller| caller.id == name.0).map(Arc::clone)
        };
        let caller = match known {
            Some(caller) => caller,
            None => Arc::new(self.unbelieved(name).await?),
        };
        Ok(Bearer {
            caller,
            token: None,
        })
    }

    /// A caller that this replica knows nothing of: where its row is not believed, it may do nothing.
    async fn unbelieved(&self, name: &CallerName) -> Result<Caller> {
        let mut caller = self.get_caller(name).await?;
        if caller.meta.distrust.is_some() {
            caller.grants.clear();
        }
        Ok(caller)
    }

    /// The pool as this replica knows it; `None` where its row is not believed.
    fn pool_entry(
        &self,
        name: &PoolName,
        refused: Option<&LeaseRefusal>,
    ) -> Result<Option<Arc<PoolEntry>>> {
        let snapshot = self.live.glance();
        let pool = snapshot.pools.get(&name.0).map(Arc::clone);
        let is_distrusted = snapshot.distrusted_pools.contains(&name.0)
            || refused == Some(&LeaseRefusal::PoolDistrusted);
        if pool.is_none() && !is_distrusted {
            let resource = name.to_string();
            return Err(Refusal::NotFound { resource }.into());
        }
        Ok(pool)
    }

    fn explanation(
        &self,
        bearer: &Bearer,
        asked: &ExplainLease,
        pool: Option<&PoolEntry>,
        explained: Explained,
        now: Now,
    ) -> Explanation {
        let default = pool.and_then(|pool| pool.pool.default_estimate);
        Explanation {
            caller: CallerName(bearer.caller.id.clone()),
            pool: asked.pool.clone(),
            estimate: Estimate::in_force(asked.estimate, default),
            strategy: pool.map_or_else(Strategy::default, |pool| pool.pool.strategy),
            time: now.database,
            replica: self.live.boot_id,
            waiting: pool.map_or(0, |pool| line::waiting(&pool.live)),
            refusal: explained.refusal,
            keys: explained.keys,
            limits: explained.limits,
            incidents: pool.map_or_else(Vec::new, |pool| {
                let snapshot = self.live.snapshot();
                self.live.incidents_of(&snapshot, pool, now.database)
            }),
        }
    }
}

/// The call that is explained: one that does not wait, and comes now.
fn call(asked: &ExplainLease, now: Now) -> LeaseKey {
    LeaseKey {
        pool: asked.pool.0.clone(),
        model: asked.model.clone(),
        requests: 1,
        estimate: asked.estimate,
        max_wait: Duration::ZERO,
        lease_duration: None,
        affinity_key: None,
        account: None,
        retry_token: None,
        tags: Tags::default(),
        request_id: None,
        received: now.boot,
        deadline: None,
    }
}
