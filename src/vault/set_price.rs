//! `SetPrice` and `DeletePrice`: a price that holds from a time on, or none.

use uuid::Uuid;

use super::error::Refusal;
use super::{Done, Result, Verb, Work};
use crate::domain::field::FieldError;
use crate::domain::key::etag;
use crate::domain::models::Pattern;
use crate::domain::prices::operator::PRICES_MAX;
use crate::domain::prices::{OperatorPrice, Price};
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;
use crate::store::prices;

/// The most prices that are kept, the older ones of each model included: a hundred for each model.
const HISTORY_MAX: usize = 100 * PRICES_MAX;

/// A price to set, or to end.
#[derive(Debug, Clone)]
pub struct SetPrice {
    /// Whose models.
    pub profile: Profile,
    /// A model, or a pattern of models.
    pub model: Pattern,
    /// The price; none ends it.
    pub price: Option<Price>,
    /// From when on; now unless set.
    pub effective: Option<Timestamp>,
    /// The newest price that the caller has seen; empty for any.
    pub etag: String,
}

impl Verb for SetPrice {
    type Answer = OperatorPrice;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<OperatorPrice>> {
        let resource = self.resource();
        let newest = prices::newest(work.conn, self.profile, self.model.as_str()).await?;
        self.check(work, newest.as_ref()).await?;
        let set = OperatorPrice {
            uid: Uuid::now_v7(),
            rev: work.rev,
            profile: self.profile,
            model: self.model,
            price: self.price,
            effective: self.effective.unwrap_or(work.now),
            create_time: work.now,
            by: work.caller.name.clone(),
        };
        prices::insert(work.conn, &set).await?;
        Ok(Done {
            summary: summary(&set),
            resource,
            answer: set,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<OperatorPrice> {
        let newest = prices::newest(work.conn, self.profile, self.model.as_str()).await?;
        newest.ok_or_else(|| self.unknown())
    }
}

impl SetPrice {
    /// As refusals and the audit name it. Models have slashes of their own.
    fn resource(&self) -> String {
        format!("prices/{}/{}", self.profile.as_str(), self.model.as_str())
    }

    fn unknown(&self) -> super::Error {
        let resource = self.resource();
        Refusal::NotFound { resource }.into()
    }

    async fn check(&self, work: &mut Work<'_>, newest: Option<&OperatorPrice>) -> Result<()> {
        if !self.etag.is_empty() && newest.is_none_or(|newest| etag(newest.rev) != self.etag) {
            let resource = self.resource();
            return Err(Refusal::EtagMismatch { resource }.into());
        }
        if self.price.is_none() && newest.is_none_or(|newest| newest.price.is_none()) {
            return Err(self.unknown());
        }
        // Spend is priced when it is reported: a price of the past would only look as if it had been in force.
        if self.effective.is_some_and(|at| at < work.now) {
            let message = "is before now, must not be; leave it unset for now";
            return Err(FieldError::new("effective_time", message).into());
        }
        let (models, all) = prices::count(work.conn).await?;
        let is_full = |count: i64, max: usize| usize::try_from(count).is_ok_and(|n| n >= max);
        let (count, max) = match newest {
            None if is_full(models, PRICES_MAX) => (models, PRICES_MAX),
            _ if is_full(all, HISTORY_MAX) => (all, HISTORY_MAX),
            _ => return Ok(()),
        };
        let message =
            format!("{count} prices are set, at most {max} are kept; use patterns of models");
        let resource = self.resource();
        Err(Refusal::State { resource, message }.into())
    }
}

/// For the audit.
fn summary(set: &OperatorPrice) -> String {
    let from = if set.effective > set.create_time {
        format!(
            ", from {} s from now on",
            set.effective.since(set.create_time).as_secs()
        )
    } else {
        String::new()
    };
    let Some(price) = set.price else {
        return format!("deleted{from}");
    };
    let cached = price
        .cached_input
        .map(|cached| format!(", cached input {cached}"));
    format!(
        "set, micros per million tokens: input {}{}, output {}{from}",
        price.input,
        cached.unwrap_or_default(),
        price.output
    )
}
