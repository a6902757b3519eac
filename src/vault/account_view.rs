//! An account as it is answered: with what it cools down from, and its limits.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::account::{Account, Cooldown};
use crate::domain::disablement::in_force;
use crate::domain::rotation::interval_in_force;
use crate::domain::time::Timestamp;
use crate::store::{cooldowns, limits, pool_members};

/// An account, and what is read with it.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// What it cools down from.
    pub cooldowns: Vec<Cooldown>,
    /// Its limits, in the order of their names, those that cannot be read among them.
    pub limits: Vec<limits::Read>,
    /// The rotation interval in force for its keys that set none and are in no pool by themselves.
    pub rotation_interval: Duration,
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
    let mut limits_of: HashMap<Uuid, Vec<limits::Read>> = HashMap::new();
    for limit in limits::of_owners(conn, &uids).await? {
        let owner = match &limit {
            Ok(limit) => limit.owner.uid(),
            Err(unread) => unread.owner_uid,
        };
        limits_of.entry(owner).or_default().push(limit);
    }
    let pools = pool_members::rotation_intervals(conn, &uids).await?;
    let interval = |account: &Account| {
        let of_pools = pools.get(&account.meta.uid).copied();
        interval_in_force(None, account.rotation_interval, of_pools)
    };
    let views = accounts.into_iter().map(|account| AccountView {
        rotation_interval: interval(&account),
        cooldowns: cooldowns_of.remove(&account.meta.uid).unwrap_or_default(),
        limits: limits_of.remove(&account.meta.uid).unwrap_or_default(),
        account: at(account, now),
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
    let pools = pool_members::rotation_intervals(conn, &[uid]).await?;
    let of_pools = pools.get(&uid).copied();
    Ok(AccountView {
        cooldowns: cooldowns::of_accounts(conn, &[uid], now).await?,
        limits: limits::of_owners(conn, &[uid]).await?,
        rotation_interval: interval_in_force(None, account.rotation_interval, of_pools),
        account: at(account, now),
    })
}

/// As it is at `now`: a disablement that has ended is not shown.
fn at(mut account: Account, now: Timestamp) -> Account {
    account.disablement = in_force(account.disablement, now);
    account
}
