//! Table `prices`: what operators have set. Rows are added and never changed.

use sqlx::PgConnection;
use sqlx::types::time::OffsetDateTime;
use uuid::Uuid;

use super::convert::{Reading, offset, signed, timestamp, unsigned};
use super::{Error, Result};
use crate::domain::models::Pattern;
use crate::domain::prices::{OperatorPrice, Price};
use crate::domain::profile::Profile;

/// A row as read.
#[derive(Debug)]
pub(crate) struct PriceRow {
    pub(crate) uid: Uuid,
    pub(crate) rev: i64,
    pub(crate) profile: String,
    pub(crate) model: String,
    pub(crate) input_micros: Option<i64>,
    pub(crate) cached_input_micros: Option<i64>,
    pub(crate) output_micros: Option<i64>,
    pub(crate) effective_time: OffsetDateTime,
    pub(crate) create_time: OffsetDateTime,
    pub(crate) set_by: String,
}

impl TryFrom<PriceRow> for OperatorPrice {
    type Error = Error;

    fn try_from(row: PriceRow) -> Result<Self> {
        let reading = Reading {
            table: "prices",
            uid: row.uid,
        };
        let tokens = row.input_micros.zip(row.output_micros);
        Ok(Self {
            uid: row.uid,
            rev: row.rev,
            profile: reading.parsed(Profile::parse("profile", &row.profile))?,
            model: reading.parsed(Pattern::parse("model", &row.model))?,
            price: tokens.map(|(input, output)| Price {
                input: unsigned(input),
                cached_input: row.cached_input_micros.map(unsigned),
                output: unsigned(output),
            }),
            effective: timestamp(row.effective_time),
            create_time: timestamp(row.create_time),
            by: row.set_by,
        })
    }
}

/// Adds a price.
///
/// # Errors
/// As every query.
pub async fn insert(conn: &mut PgConnection, set: &OperatorPrice) -> Result<()> {
    let price = set.price;
    sqlx::query!(
        "insert into prices (uid, rev, profile, model, input_micros, cached_input_micros, output_micros, effective_time,
            create_time, set_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        set.uid,
        set.rev,
        set.profile.as_str(),
        set.model.as_str(),
        price.map(|price| signed(price.input)),
        price.and_then(|price| price.cached_input).map(signed),
        price.map(|price| signed(price.output)),
        offset(set.effective),
        offset(set.create_time),
        set.by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The price of a profile and model that was set last.
///
/// # Errors
/// As every query.
pub async fn newest(
    conn: &mut PgConnection,
    profile: Profile,
    model: &str,
) -> Result<Option<OperatorPrice>> {
    let row = sqlx::query_as!(
        PriceRow,
        "select uid, rev, profile, model, input_micros, cached_input_micros, output_micros, effective_time, create_time, set_by
        from prices where profile = $1 and model = $2 order by rev desc limit 1",
        profile.as_str(),
        model
    )
    .fetch_optional(conn)
    .await?;
    row.map(TryInto::try_into).transpose()
}

/// Prices that were set, by profile, model and the time from which on they hold; none as a filter: all.
///
/// # Errors
/// As every query.
pub async fn list(
    conn: &mut PgConnection,
    profile: Option<Profile>,
    model: Option<&str>,
) -> Result<Vec<OperatorPrice>> {
    let rows = sqlx::query_as!(
        PriceRow,
        r#"select uid, rev, profile, model, input_micros, cached_input_micros, output_micros, effective_time, create_time, set_by
        from prices where ($1::text is null or profile = $1) and ($2::text is null or model = $2)
        order by profile collate "C", model collate "C", effective_time, rev"#,
        profile.map(Profile::as_str),
        model
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Prices that were set after a revision.
///
/// # Errors
/// As every query.
pub(super) async fn since(conn: &mut PgConnection, rev: i64) -> Result<Vec<PriceRow>> {
    let rows = sqlx::query_as!(
        PriceRow,
        "select uid, rev, profile, model, input_micros, cached_input_micros, output_micros, effective_time, create_time, set_by
        from prices where rev > $1",
        rev
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// How many models, or patterns of them, have prices, and how many prices there are.
///
/// # Errors
/// As every query.
pub async fn count(conn: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select count(distinct (profile, model)) as "models!", count(*) as "prices!" from prices"#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.models, row.prices))
}

/// Those set after a revision. One that cannot be read is left out: the price before it stays in force.
pub(crate) async fn readable_since(
    conn: &mut PgConnection,
    rev: i64,
) -> Result<Vec<OperatorPrice>> {
    let parse = |row| {
        let parsed = OperatorPrice::try_from(row);
        parsed
            .inspect_err(|error| tracing::error!(%error, "a price was left out"))
            .ok()
    };
    let rows = since(conn, rev).await?;
    Ok(rows.into_iter().filter_map(parse).collect())
}
