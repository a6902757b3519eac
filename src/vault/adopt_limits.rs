//! Limits that providers state, on their way into the database, and from there, where an account's policy says so, into its limits.

use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use super::error::Refusal;
use super::{Change, Done, Error, Result, Vault, Verb, Work, get_limit};
use crate::domain::account::LearnedLimits;
use crate::domain::id::Id;
use crate::domain::learned::{BudgetName, Learned, STATEMENT_AGE_MAX, adopted};
use crate::domain::limit::{Limit, Owner};
use crate::domain::limit_draft::LimitDraft;
use crate::domain::name::{AccountName, LimitName, OwnerName};
use crate::live::snapshot::AccountEntry;
use crate::store::connection::{ANSWER_WITHIN, acquire, begin, in_time};
use crate::store::{accounts, cluster, learned_limits, limits, spend};

/// Who lowers limits by policy, as the audit names it.
const ACTOR: &str = "learned";

impl Vault {
    /// Writes what was heard since the last call, and adopts of it what policies say.
    ///
    /// # Errors
    /// As every query; what could not be written is written by the next call.
    pub async fn flush_learned(self: &Arc<Self>) -> Result<()> {
        for (uid, account) in &self.live.snapshot().accounts {
            let now = self.live.now().database;
            let news = account.live.heard_news(now);
            if news.is_empty() {
                continue;
            }
            account.live.forget_heard(now.before(STATEMENT_AGE_MAX));
            if let Err(error) = self.write_learned(*uid, &news).await {
                account.live.heard_unwritten(&news);
                return Err(error);
            }
            self.adopt_of(account).await?;
        }
        Ok(())
    }

    /// Adopts what policies say of all that is known: what another replica has heard, or what was known before the policy.
    ///
    /// # Errors
    /// As every query.
    pub async fn adopt_learned(self: &Arc<Self>) -> Result<()> {
        for account in self.live.snapshot().accounts.values() {
            self.adopt_of(account).await?;
        }
        Ok(())
    }

    async fn write_learned(&self, account_uid: Uuid, news: &[Learned]) -> Result<()> {
        let since = self.live.now().database.before(STATEMENT_AGE_MAX);
        let (pool, news) = (self.pool.clone(), news.to_vec());
        let writing = async move {
            let mut transaction = begin(&pool, super::change::BEGIN).await?;
            for heard in &news {
                learned_limits::note(&mut transaction, account_uid, heard).await?;
            }
            learned_limits::forget(&mut transaction, account_uid, since).await?;
            transaction.commit().await
        };
        Ok(in_time(ANSWER_WITHIN, writing).await?)
    }

    async fn adopt_of(self: &Arc<Self>, account: &AccountEntry) -> Result<()> {
        if account.account.learned_limits != LearnedLimits::Adopt {
            return Ok(());
        }
        for verb in in_time(ANSWER_WITHIN, self.adoptable(account)).await? {
            let limit = verb.limit.clone();
            let mut change = Change::by_system("AdoptLimit", "the provider states less");
            ACTOR.clone_into(&mut change.caller.name);
            match self.change(change, verb).await {
                // Another replica was faster.
                Ok(_) | Err(Error::Refused(Refusal::NotFound { .. })) => {}
                Err(error @ Error::Refused(_)) => {
                    tracing::warn!(%error, limit = limit.as_str(), "a limit that the provider states could not be adopted");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is there to adopt, as far as can be told without the lock that a change takes.
    async fn adoptable(&self, account: &AccountEntry) -> Result<Vec<AdoptLimit>> {
        let mut conn = acquire(&self.pool).await?;
        let (uid, id) = (account.account.meta.uid, &account.account.id);
        let stated = learned_limits::of_accounts(&mut conn, &[uid]).await?;
        let mut adoptable = Vec::new();
        for (_, learned) in stated {
            let configured = account.limits.iter().map(Arc::as_ref);
            if let Some(limit) = learned.limit_of(configured)
                && target(&mut conn, id, limit, &learned).await?.is_some()
            {
                adoptable.push(AdoptLimit {
                    account: id.clone(),
                    limit: limit.id.clone(),
                    budget: learned.budget,
                });
            }
        }
        Ok(adoptable)
    }
}

/// What a person has set a limit to, and what it is lowered to now, if what is stated is lower and more than one report's word.
async fn target(
    conn: &mut PgConnection,
    account: &Id,
    limit: &Limit,
    learned: &Learned,
) -> Result<Option<(u64, u64)>> {
    if learned.amount >= limit.amount {
        return Ok(None);
    }
    let base = learned_limits::amount_before(conn, limit.uid, limit.amount).await?;
    let base = base.unwrap_or(limit.amount);
    let Some(target) = adopted(limit.amount, base, learned.amount) else {
        return Ok(None);
    };
    let name = AccountName(account.clone()).to_string();
    let now = cluster::now(conn).await?;
    let callers = spend::callers_of(conn, &name, now).await?;
    Ok(learned.is_confirmed(callers).then_some((base, target)))
}

/// A limit that is lowered to what the provider states, by the vault itself.
#[derive(Debug)]
struct AdoptLimit {
    account: Id,
    limit: Id,
    budget: BudgetName,
}

impl Verb for AdoptLimit {
    type Answer = Limit;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Limit>> {
        let name = LimitName {
            owner: OwnerName::Account(self.account.clone()),
            limit: self.limit.clone(),
        };
        let resource = name.to_string();
        let mut limit = get_limit::to_change(work, &name, "").await?;
        let before = limit.amount;
        let Some((base, target, stated)) = self.decide(work, &limit).await? else {
            return Err(Refusal::NotFound { resource }.into());
        };
        let draft = LimitDraft {
            amount: Some(target),
            ..LimitDraft::default()
        };
        draft.apply(&mut limit)?;
        limit.rev = work.rev;
        limit.update_time = work.now;
        limits::update(work.conn, &limit).await?;
        learned_limits::adopted(work.conn, limit.uid, base, target, work.now).await?;
        Ok(Done {
            resource,
            summary: format!("lowered from {before} to {target}, the provider states {stated}"),
            answer: limit,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Limit> {
        let owner = OwnerName::Account(self.account);
        let limit = self.limit;
        get_limit::reread(work, &LimitName { owner, limit }).await
    }
}

impl AdoptLimit {
    /// What a person has set it to, what it is lowered to, and what is stated, if all of that still stands, and the account's policy too.
    async fn decide(&self, work: &mut Work<'_>, limit: &Limit) -> Result<Option<(u64, u64, u64)>> {
        let Owner::Account(uid) = limit.owner else {
            return Ok(None);
        };
        let account = accounts::find(work.conn, &self.account).await?;
        let is_policy =
            account.is_some_and(|stored| stored.resource.learned_limits == LearnedLimits::Adopt);
        let stated = learned_limits::of_accounts(work.conn, &[uid]).await?;
        let stated = stated.into_iter().map(|(_, learned)| learned);
        let mut stated = stated.filter(|learned| learned.budget == self.budget);
        let stated = stated.next().filter(|_| is_policy);
        let stated = stated.filter(|learned| learned.limit_of(std::iter::once(limit)).is_some());
        let Some(learned) = stated else {
            return Ok(None);
        };
        let target = target(work.conn, &self.account, limit, &learned).await?;
        Ok(target.map(|(base, target)| (base, target, learned.amount)))
    }
}
