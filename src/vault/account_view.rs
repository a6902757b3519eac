//! An account as it is answered: with what it cools down from, and its limits.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::account::{Account, Cooldown};
use crate::domain::limit::Limit;
use crate::domain::time::Timestamp;
use crate::store::{cooldowns, limits};

/// An account, and what is read with it.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// What it cools down from.
    pub cooldowns: Vec<Cooldown>,
    /// Its limits, in the order of their names.
    pub limits: Vec<Limit>,
}

/// Reads what belongs to these accounts.
pub(super) async fn view_all(
    conn: &mut PgConnection,
    accounts: Vec<Account>,
    now: Timestamp,
) -> Result<Vec<AccountView>> {
    let uids: Vec<Uuid> = accounts.iter().map(|account| account.meta.uid).collect();
    let mut cooldowns_of: HashMap<Uuid, Vec<Cooldown>> = HashMap::new();
    for cooldown in cooldowns::of_accounts(conn, &uids, now).await? {
        let of = cooldowns_of.entry(cooldown.account_uid).or_default();
        of.push(cooldown);
    }
    let mut limits_of: HashMap<Uuid, Vec<Limit>> = HashMap::new();
    for limit in limits::of_owners(conn, &uids).await? {
        limits_of.entry(limit.owner.uid()).or_default().push(limit);
    }
    let views = accounts.into_iter().map(|account| AccountView {
        cooldowns: cooldowns_of.remove(&account.meta.uid).unwrap_or_default(),
        limits: limits_of.remove(&account.meta.uid).unwrap_or_default(),
        account,
    });
    Ok(views.collect())
}

/// Reads what belongs to an account.
pub(super) async fn view(
    conn: &mut PgConnection,
    account: Account,
    now: Timestamp,
) -> Result<AccountView> {
    let uid = account.meta.uid;
    Ok(AccountView {
        cooldowns: cooldowns::of_accounts(conn, &[uid], now).await?,
        limits: limits::of_owners(conn, &[uid]).await?,
        account,
    })
}
