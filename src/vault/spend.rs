//! What was spent: priced where a report comes in, recorded where its lease is settled, and written in batches.

use std::sync::Arc;

use super::Vault;
use crate::domain::claims::LeaseClaims;
use crate::domain::judged::Judged;
use crate::domain::name::{AccountName, CallerName, PoolName};
use crate::domain::prices::Provider;
use crate::domain::spend::{Day, SpendKey, Sums};
use crate::domain::time::Timestamp;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::{self, spend};

impl Vault {
    /// Prices what outcomes report in tokens alone, as far as there are prices. Of an account that is gone nobody knows whose they are.
    pub(super) fn price(&self, claims: &LeaseClaims, outcomes: &mut [Judged], now: Timestamp) {
        let snapshot = self.live.glance();
        let Some(account) = snapshot.accounts.get(&claims.account_uid) else {
            return;
        };
        let provider = Provider {
            profile: account.account.profile,
            base_url: &account.account.endpoint.base_url,
        };
        for outcome in outcomes {
            let model = outcome.model.as_deref().unwrap_or(&claims.model);
            outcome.usage.price(&snapshot.prices, provider, model, now);
        }
    }

    /// Adds new outcomes of a lease to the spend, each once: whoever settles the lease does it.
    pub(super) fn record_spend(&self, claims: &LeaseClaims, outcomes: &[Judged]) {
        let mut by_model: Vec<(&str, Sums)> = Vec::new();
        for outcome in outcomes {
            let Some(sums) = outcome.spent() else {
                continue;
            };
            let model = outcome.model.as_deref().unwrap_or(&claims.model);
            match by_model.iter_mut().find(|(known, _)| *known == model) {
                Some((_, known)) => *known = known.plus(sums),
                None => by_model.push((model, sums)),
            }
        }
        if by_model.is_empty() {
            return;
        }
        let key = self.spend_key(claims, self.live.now().database);
        for (model, sums) in by_model {
            let model = model.into();
            self.live.spend.add(
                SpendKey {
                    model,
                    ..key.clone()
                },
                sums,
            );
        }
    }

    /// By the names that resources have now; what is gone is named by its uid.
    fn spend_key(&self, claims: &LeaseClaims, now: Timestamp) -> SpendKey {
        let snapshot = self.live.glance();
        let pool = snapshot.pools_by_uid.get(&claims.pool_uid);
        let pool = pool.map(|pool| PoolName(pool.pool.id.clone()).to_string());
        let account = snapshot.accounts.get(&claims.account_uid);
        let account = account.map(|account| AccountName(account.account.id.clone()).to_text());
        let caller = snapshot.callers.get(&claims.caller_uid);
        let caller = caller.map(|caller| CallerName(caller.id.clone()).to_string());
        let name = |found: Option<String>, collection, uid| -> Arc<str> {
            found
                .unwrap_or_else(|| format!("{collection}/{uid}"))
                .into()
        };
        SpendKey {
            day: Day::of(now),
            pool: name(pool, "pools", claims.pool_uid),
            account: name(account, "accounts", claims.account_uid),
            model: Arc::default(),
            caller: name(caller, "callers", claims.caller_uid),
            tags: claims.tags.clone(),
        }
    }

    /// Writes what has come in. What cannot be written now is kept for the next time.
    ///
    /// # Errors
    /// As every query.
    pub async fn flush_spend(&self) -> store::Result<()> {
        let (live, pool) = (Arc::clone(&self.live), self.pool.clone());
        // In a task of its own: a call that is dropped must not cancel it half-way.
        let task = tokio::spawn(async move {
            let mut writing = live.spend.writing().await;
            while let Some(batch) = writing.next(Day::of(live.now().database)) {
                let written = async {
                    let mut conn = acquire(&pool).await?;
                    spend::add(&mut conn, batch.id, &batch.sums).await
                };
                in_time(ANSWER_WITHIN, written).await?;
                writing.written();
            }
            Ok(())
        });
        task.await.map_err(|_| store::Error::unanswered())?
    }
}
