//! `CreateAccount`.

use std::time::Duration;

use uuid::Uuid;

use super::account_view::AccountView;
use super::error::Refusal;
use super::{Done, Result, Verb, Work, get_account};
use crate::domain::account::{Account, LearnedLimits};
use crate::domain::endpoint::Endpoint;
use crate::domain::id::Id;
use crate::domain::key::Meta;
use crate::domain::labels::Labels;
use crate::domain::name::AccountName;
use crate::domain::profile::{Placement, Profile};
use crate::domain::rotation::interval_in_force;
use crate::store::{self, accounts};

/// An account to create.
#[derive(Debug, Clone)]
pub struct CreateAccount {
    /// The last segment of its name.
    pub id: Id,
    /// Free labels.
    pub labels: Labels,
    /// How its provider is spoken to.
    pub profile: Profile,
    /// Where its secrets may be sent.
    pub endpoint: Endpoint,
    /// Where a generic provider expects the key.
    pub placement: Option<Placement>,
    /// Its own rotation interval.
    pub rotation_interval: Option<Duration>,
    /// What becomes of limits that the provider states.
    pub learned_limits: LearnedLimits,
}

impl Verb for CreateAccount {
    type Answer = AccountView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<AccountView>> {
        let account = self.insert(work).await?;
        let resource = AccountName(account.id.clone()).to_string();
        let summary = format!(
            "created, {} at {}",
            account.profile.as_str(),
            account.endpoint.base_url
        );
        let rotation_interval = interval_in_force(None, account.rotation_interval, None);
        let answer = AccountView {
            account,
            cooldowns: Vec::new(),
            limits: Vec::new(),
            rotation_interval,
        };
        Ok(Done {
            answer,
            resource,
            summary,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<AccountView> {
        get_account::reread(work, &AccountName(self.id)).await
    }
}

impl CreateAccount {
    /// Writes the row.
    pub(super) async fn insert(self, work: &mut Work<'_>) -> Result<Account> {
        let account = Account {
            meta: Meta::created(Uuid::now_v7(), work.rev, self.labels, work.now),
            id: self.id,
            profile: self.profile,
            endpoint: self.endpoint,
            placement: self.placement,
            rotation_interval: self.rotation_interval,
            learned_limits: self.learned_limits,
            disablement: None,
        };
        let mac = work.keys.mac.of_row(&account);
        match accounts::insert(work.conn, &account, &mac).await {
            Ok(()) => Ok(account),
            Err(store::Error::Unique { .. }) => {
                let resource = AccountName(account.id).to_string();
                Err(Refusal::Exists { resource }.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}
