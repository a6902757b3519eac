//! `DisableAccount` and `EnableAccount`.

use super::account_view::{AccountView, view};
use super::disable::{Word, word_summary};
use super::guard::check_etag;
use super::{Done, Result, Verb, Work, get_account};
use crate::domain::account::Account;
use crate::domain::name::AccountName;
use crate::store::accounts;

/// An account to disable.
#[derive(Debug, Clone)]
pub struct DisableAccount {
    /// Which.
    pub name: AccountName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
    /// Why, and until when.
    pub word: Word,
}

/// An account to enable.
#[derive(Debug, Clone)]
pub struct EnableAccount {
    /// Which.
    pub name: AccountName,
    /// The state the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for DisableAccount {
    type Answer = AccountView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<AccountView>> {
        set(work, &self.name, &self.etag, Some(self.word)).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<AccountView> {
        get_account::reread(work, &self.name).await
    }
}

impl Verb for EnableAccount {
    type Answer = AccountView;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<AccountView>> {
        set(work, &self.name, &self.etag, None).await
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<AccountView> {
        get_account::reread(work, &self.name).await
    }
}

async fn set(
    work: &mut Work<'_>,
    name: &AccountName,
    etag: &str,
    word: Option<Word>,
) -> Result<Done<AccountView>> {
    let mut account: Account = get_account::to_change(work, name).await?;
    check_etag(etag, &account.meta, name)?;
    account.disablement = word.map(|word| word.spoken(work)).transpose()?;
    account.meta.touch(work.rev, work.now);
    let mac = work.keys.mac.of_row(&account);
    accounts::update(work.conn, &account, &mac).await?;
    Ok(Done {
        resource: name.to_string(),
        summary: word_summary(account.disablement.as_ref()),
        answer: view(work.conn, account, work.now).await?,
    })
}
