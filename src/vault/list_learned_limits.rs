//! `ListLearnedLimits`: what an account's provider states of its limits, beside what is configured.

use std::collections::HashMap;

use uuid::Uuid;

use super::guard::found;
use super::{Result, Vault};
use crate::domain::id::Id;
use crate::domain::learned::Learned;
use crate::domain::limit::{Limit, Owner};
use crate::domain::name::AccountName;
use crate::store::connection::acquire;
use crate::store::{Slice, accounts, learned_limits, limits};

/// What is stated, and the limit that it is about; `None` where none is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedView {
    /// The account.
    pub account: Id,
    /// What is stated.
    pub learned: Learned,
    /// The limit.
    pub limit: Option<Limit>,
}

impl LearnedView {
    /// Whether the configured limit is another one.
    #[must_use]
    pub fn differs(&self) -> bool {
        let limit = self.limit.as_ref();
        limit.is_some_and(|limit| limit.amount != self.learned.amount)
    }
}

impl Vault {
    /// What an account's provider states.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn list_learned_limits(&self, name: &AccountName) -> Result<Vec<LearnedView>> {
        let mut conn = acquire(&self.pool).await?;
        let account = found(accounts::find(&mut conn, &name.0).await?, name)?;
        let uid = account.resource.meta.uid;
        let slice = Slice {
            after: None,
            rows_max: i64::MAX,
        };
        let configured = limits::list(&mut conn, Owner::Account(uid), slice).await?;
        let configured: Vec<Limit> = configured
            .into_iter()
            .filter_map(|read| read.ok())
            .collect();
        let stated = learned_limits::of_accounts(&mut conn, &[uid]).await?;
        let view = |(_, learned): (Uuid, Learned)| LearnedView {
            account: name.0.clone(),
            limit: learned.limit_of(configured.iter()).cloned(),
            learned,
        };
        Ok(stated.into_iter().map(view).collect())
    }

    /// All limits that are configured otherwise than their provider states, over all accounts, but for what a single report has carried:
    /// what people are to be told of.
    ///
    /// # Errors
    /// As every query.
    pub async fn differing_limits(&self) -> Result<Vec<LearnedView>> {
        let snapshot = self.live.snapshot();
        let with_limits = snapshot.accounts.values();
        let with_limits = with_limits.filter(|account| !account.limits.is_empty());
        let by_uid: HashMap<Uuid, _> = with_limits
            .map(|account| (account.account.meta.uid, account))
            .collect();
        let uids: Vec<Uuid> = by_uid.keys().copied().collect();
        let mut conn = acquire(&self.pool).await?;
        let stated = learned_limits::of_accounts(&mut conn, &uids).await?;
        let views = stated.into_iter().filter_map(|(uid, learned)| {
            let account = by_uid.get(&uid)?;
            let limit = learned.limit_of(account.limits.iter().map(AsRef::as_ref));
            Some(LearnedView {
                account: account.account.id.clone(),
                limit: limit.cloned(),
                learned,
            })
        });
        let is_heard_twice = |view: &LearnedView| {
            let learned = &view.learned;
            learned.leases >= 2 || learned.witnesses.len() >= 2
        };
        let differing = views.filter(LearnedView::differs).filter(is_heard_twice);
        Ok(differing.collect())
    }
}
