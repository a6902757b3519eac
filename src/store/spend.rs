//! Tables `spend` and `spend_flushes`: sums by day, pool, account, model, caller and tags, and the batches that were added to them.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::time::Date;
use uuid::Uuid;

use super::Result;
use super::convert::{offset, signed, unsigned};
use crate::domain::spend::{Day, SpendKey, Sums};
use crate::domain::tags::Tags;
use crate::domain::time::Timestamp;

/// The Julian day of 1970-01-01.
const EPOCH_JULIAN_DAY: i32 = 2_440_588;

/// What to sum, of which days.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// From this day on.
    pub start: Option<Day>,
    /// Until before this day.
    pub end: Option<Day>,
    /// Only this pool, by full name.
    pub pool: Option<String>,
    /// Only this account, by full name.
    pub account: Option<String>,
    /// Only this model.
    pub model: Option<String>,
    /// Only this caller, by full name.
    pub caller: Option<String>,
    /// Only leases with all of these.
    pub tags: Tags,
}

/// The sums of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its values, in the order of what was asked for.
    pub values: Vec<String>,
    /// All together.
    pub sums: Sums,
}

/// Adds a batch to what is there, unless a batch of this id was added before. Sums that do not fit a column stay at its largest number.
///
/// # Errors
/// As every query.
pub async fn add(conn: &mut PgConnection, flush_id: Uuid, sums: &[(SpendKey, Sums)]) -> Result<()> {
    let texts = |of: fn(&SpendKey) -> &str| -> Vec<String> {
        sums.iter().map(|(key, _)| of(key).to_owned()).collect()
    };
    let numbers = |of: fn(&Sums) -> u64| -> Vec<i64> {
        sums.iter().map(|(_, sums)| signed(of(sums))).collect()
    };
    let days: Vec<Date> = sums.iter().map(|(key, _)| date(key.day)).collect();
    let tags: Vec<Value> = sums.iter().map(|(key, _)| object(&key.tags)).collect();
    sqlx::query!(
        "with flush as (insert into spend_flushes (flush_id) values ($1) on conflict do nothing returning flush_id)
        insert into spend as s (day, pool, account, model, caller, tags, cost_micros, requests, unpriced_requests, input_tokens,
            cached_input_tokens, output_tokens)
        select b.* from flush, unnest($2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::bigint[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]) as b
        on conflict (day, pool, account, model, caller, tags) do update set
            cost_micros = least(s.cost_micros::numeric + excluded.cost_micros, 9223372036854775807)::bigint,
            requests = least(s.requests::numeric + excluded.requests, 9223372036854775807)::bigint,
            unpriced_requests = least(s.unpriced_requests::numeric + excluded.unpriced_requests, 9223372036854775807)::bigint,
            input_tokens = least(s.input_tokens::numeric + excluded.input_tokens, 9223372036854775807)::bigint,
            cached_input_tokens = least(s.cached_input_tokens::numeric + excluded.cached_input_tokens, 9223372036854775807)::bigint,
            output_tokens = least(s.output_tokens::numeric + excluded.output_tokens, 9223372036854775807)::bigint",
        flush_id,
        &days,
        &texts(|key| &key.pool),
        &texts(|key| &key.account),
        &texts(|key| &key.model),
        &texts(|key| &key.caller),
        &tags,
        &numbers(|sums| sums.cost_micros),
        &numbers(|sums| sums.requests),
        &numbers(|sums| sums.unpriced_requests),
        &numbers(|sums| sums.input_tokens),
        &numbers(|sums| sums.cached_input_tokens),
        &numbers(|sums| sums.output_tokens)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many callers have used an account, by full name, since the day before.
///
/// # Errors
/// As every query.
pub async fn callers_of(conn: &mut PgConnection, account: &str, now: Timestamp) -> Result<usize> {
    let count = sqlx::query_scalar!(
        r#"select count(distinct caller) as "count!" from spend where account = $1 and day >= ($2::timestamptz at time zone 'UTC')::date - 1"#,
        account,
        offset(now)
    )
    .fetch_one(conn)
    .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Sums a selection by `group_by`, whose parts are `day`, `pool`, `account`, `model`, `caller` and `tag.KEY`: at most so many groups, in
/// the order of their values, after the group with these values.
///
/// # Errors
/// As every query.
pub async fn sum(
    conn: &mut PgConnection,
    selection: &Selection,
    group_by: &[String],
    after: Option<&[String]>,
    groups_max: i64,
) -> Result<Vec<Group>> {
    let rows = sqlx::query!(
        r#"select group_values as "values!", least(sum(cost_micros), 9223372036854775807)::bigint as "cost_micros!",
            least(sum(requests), 9223372036854775807)::bigint as "requests!",
            least(sum(unpriced_requests), 9223372036854775807)::bigint as "unpriced_requests!",
            least(sum(input_tokens), 9223372036854775807)::bigint as "input_tokens!",
            least(sum(cached_input_tokens), 9223372036854775807)::bigint as "cached_input_tokens!",
            least(sum(output_tokens), 9223372036854775807)::bigint as "output_tokens!"
        from (select s.*, array(select case part when 'day' then to_char(s.day, 'YYYY-MM-DD') when 'pool' then s.pool when 'account' then s.account
                when 'model' then s.model when 'caller' then s.caller else coalesce(s.tags ->> substr(part, 5), '') end
                from unnest($1::text[]) with ordinality as parts (part, place) order by place) collate "C" as group_values
            from spend s
            where ($2::date is null or s.day >= $2) and ($3::date is null or s.day < $3) and ($4::text is null or s.pool = $4)
                and ($5::text is null or s.account = $5) and ($6::text is null or s.model = $6)
                and ($7::text is null or s.caller = $7) and s.tags @> $8) as grouped
        where $9::text[] is null or group_values > $9 collate "C"
        group by group_values order by group_values limit $10"#,
        group_by,
        selection.start.map(date),
        selection.end.map(date),
        selection.pool,
        selection.account,
        selection.model,
        selection.caller,
        object(&selection.tags),
        after,
        groups_max
    )
    .fetch_all(conn)
    .await?;
    let groups = rows.into_iter().map(|row| Group {
        values: row.values,
        sums: Sums {
            cost_micros: unsigned(row.cost_micros),
            requests: unsigned(row.requests),
            unpriced_requests: unsigned(row.unpriced_requests),
            input_tokens: unsigned(row.input_tokens),
            cached_input_tokens: unsigned(row.cached_input_tokens),
            output_tokens: unsigned(row.output_tokens),
        },
    });
    Ok(groups.collect())
}

/// Forgets which batches were added before this, so long ago that nobody sends them again.
///
/// # Errors
/// As every query.
pub async fn forget(conn: &mut PgConnection, before: Timestamp) -> Result<()> {
    sqlx::query!(
        "delete from spend_flushes where create_time < $1",
        offset(before)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A day for a column; one that the column cannot hold becomes the nearest that it can.
fn date(day: Day) -> Date {
    let julian = day.number().saturating_add(EPOCH_JULIAN_DAY);
    let last = if day.number() < 0 {
        Date::MIN
    } else {
        Date::MAX
    };
    Date::from_julian_day(julian).unwrap_or(last)
}

fn object(tags: &Tags) -> Value {
    let pairs: BTreeMap<_, _> = tags.pairs().iter().cloned().collect();
    Value::from_iter(pairs)
}
