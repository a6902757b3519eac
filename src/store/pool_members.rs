//! Table `pool_members`: what pools lease from. A change of members bumps their pool's revision.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::convert::{Reading, seconds};
use super::{Error, Result, Stored};
use crate::domain::id::Id;
use crate::domain::name::{AccountName, KeyName, TargetName};
use crate::domain::pool::{Member, Target};

/// A row, column by column.
#[derive(Debug)]
pub(crate) struct MemberRow {
    pub(crate) pool_uid: Uuid,
    pub(crate) target_kind: String,
    pub(crate) target_uid: Uuid,
    pub(crate) tier: i32,
    pub(crate) weight: i32,
    pub(crate) mac: Vec<u8>,
}

impl TryFrom<MemberRow> for Stored<Member> {
    type Error = Error;

    fn try_from(row: MemberRow) -> Result<Self> {
        let reading = Reading {
            table: "pool_members",
            uid: row.pool_uid,
        };
        let target = match row.target_kind.as_str() {
            "account" => Some(Target::Account(row.target_uid)),
            "key" => Some(Target::Key(row.target_uid)),
            _ => None,
        };
        let member = Member {
            target: reading.known("target_kind", target)?,
            tier: reading.number("tier", row.tier)?,
            weight: reading.number("weight", row.weight)?,
        };
        Ok(Self {
            resource: member,
            mac: row.mac,
        })
    }
}

/// The members of these pools, each beside the uid of its pool, in the order of tier, then target.
///
/// # Errors
/// As every query.
pub async fn of_pools(
    conn: &mut PgConnection,
    pools: &[Uuid],
) -> Result<Vec<(Uuid, Stored<Member>)>> {
    let rows = sqlx::query_as!(
        MemberRow,
        "select pool_uid, target_kind, target_uid, tier, weight, mac from pool_members
        where pool_uid = any($1) order by pool_uid, tier, target_uid",
        pools
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.pool_uid, row.try_into()?)))
        .collect()
}

/// Gives a pool these members in the place of those it has.
///
/// # Errors
/// [`Error::Unique`] if a target stands there twice; else as every query.
pub async fn replace(
    conn: &mut PgConnection,
    pool_uid: Uuid,
    members: &[Stored<Member>],
) -> Result<()> {
    sqlx::query!("delete from pool_members where pool_uid = $1", pool_uid)
        .execute(&mut *conn)
        .await?;
    let each = |f: fn(&Member) -> i32| members.iter().map(|m| f(&m.resource)).collect::<Vec<_>>();
    let kinds: Vec<_> = members
        .iter()
        .map(|m| m.resource.target.kind().to_owned())
        .collect();
    let targets: Vec<_> = members.iter().map(|m| m.resource.target.uid()).collect();
    let macs: Vec<_> = members.iter().map(|m| m.mac.clone()).collect();
    sqlx::query!(
        "insert into pool_members (pool_uid, target_kind, target_uid, tier, weight, mac)
        select $1, kind, target, tier, weight, mac
        from unnest($2::text[], $3::uuid[], $4::int[], $5::int[], $6::bytea[]) as m (kind, target, tier, weight, mac)",
        pool_uid,
        &kinds,
        &targets,
        &each(|m| m.tier.cast_signed()),
        &each(|m| m.weight.cast_signed()),
        &macs
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The ids of the pools that name this account or key, a few of them, for whoever must take it out first.
///
/// # Errors
/// As every query.
pub async fn pools_naming(conn: &mut PgConnection, target_uid: Uuid) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select pools.id from pool_members join pools on pools.uid = pool_members.pool_uid
        where pool_members.target_uid = $1 order by pools.id collate "C" limit 8"#,
        target_uid
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// The accounts and keys of these uids, by name.
///
/// # Errors
/// As every query.
pub async fn target_names(
    conn: &mut PgConnection,
    uids: &[Uuid],
) -> Result<HashMap<Uuid, TargetName>> {
    let rows = sqlx::query!(
        r#"select uid as "uid!", id as "account!", null::text as key from accounts where uid = any($1)
        union all
        select keys.uid, accounts.id, keys.id from keys join accounts on accounts.uid = keys.account_uid
        where keys.uid = any($1)"#,
        uids
    )
    .fetch_all(conn)
    .await?;
    let mut names = HashMap::with_capacity(rows.len());
    for row in rows {
        let reading = Reading {
            table: "accounts or keys",
            uid: row.uid,
        };
        let account = reading.parsed(Id::parse("id", &row.account))?;
        let name = match row.key {
            None => TargetName::Account(AccountName(account)),
            Some(key) => TargetName::Key(KeyName {
                account,
                key: reading.parsed(Id::parse("id", &key))?,
            }),
        };
        names.insert(row.uid, name);
    }
    Ok(names)
}

/// The accounts and keys of these names, as far as there are any.
///
/// # Errors
/// As every query.
pub async fn targets(
    conn: &mut PgConnection,
    names: &[&TargetName],
) -> Result<HashMap<TargetName, Target>> {
    let (accounts, keys): (Vec<_>, Vec<_>) = names.iter().map(|name| parts(name)).unzip();
    let rows = sqlx::query!(
        r#"select ordinality as "place!", accounts.uid as account_uid, keys.uid as "key_uid?", key as "key?"
        from unnest($1::text[], $2::text[]) with ordinality as wanted (account, key, ordinality)
        join accounts on accounts.id = wanted.account
        left join keys on keys.account_uid = accounts.uid and keys.id = wanted.key"#,
        &accounts,
        &keys as &[Option<String>]
    )
    .fetch_all(conn)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        let target = match row.key {
            None => Target::Account(row.account_uid),
            Some(_) => Target::Key(row.key_uid?),
        };
        Some(((*names.get(place)?).clone(), target))
    });
    Ok(found.collect())
}

/// The id of an account, and of one of its keys.
fn parts(name: &TargetName) -> (String, Option<String>) {
    match name {
        TargetName::Account(account) => (account.0.to_string(), None),
        TargetName::Key(key) => (key.account.to_string(), Some(key.key.to_string())),
    }
}

/// The shortest rotation interval of the pools that name each of these accounts and keys, where a pool sets one.
///
/// # Errors
/// As every query.
pub async fn rotation_intervals(
    conn: &mut PgConnection,
    targets: &[Uuid],
) -> Result<HashMap<Uuid, Duration>> {
    let rows = sqlx::query!(
        r#"select target_uid, min(rotation_seconds) as "shortest!"
        from pool_members join pools on pools.uid = pool_members.pool_uid
        where target_uid = any($1) and rotation_seconds is not null group by target_uid"#,
        targets
    )
    .fetch_all(conn)
    .await?;
    let shortest = |row: i64| seconds(Some(row)).unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| (row.target_uid, shortest(row.shortest)))
        .collect())
}

/// The ids of the pools that name both of these accounts and keys, a few of them.
///
/// # Errors
/// As every query.
pub async fn pools_naming_both(conn: &mut PgConnection, targets: [Uuid; 2]) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"select pools.id from pool_members one
        join pool_members other on other.pool_uid = one.pool_uid and other.target_uid = $2
        join pools on pools.uid = one.pool_uid
        where one.target_uid = $1 order by pools.id collate "C" limit 8"#,
        targets[0],
        targets[1]
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}
