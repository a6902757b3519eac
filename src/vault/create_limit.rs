//! `CreateLimit`.

use uuid::Uuid;

use super::error::Refusal;
use super::get_limit::{self, owner_of};
use super::update_limit::count_on;
use super::{Done, Result, Verb, Work};
use crate::domain::limit::{LIMITS_MAX, Limit, Mode, Owner};
use crate::domain::limit_draft::NewLimit;
use crate::domain::name::LimitName;
use crate::domain::offline::OfflineShare;
use crate::domain::terms::Span;
use crate::store::{deletions, limits};

/// A limit to create.
#[derive(Debug, Clone)]
pub struct CreateLimit {
    /// Its name.
    pub name: LimitName,
    /// All else.
    pub limit: NewLimit,
}

impl Verb for CreateLimit {
    type Answer = Limit;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Limit>> {
        let owner = owner_of(work.conn, &self.name.owner).await?;
        let resource = self.name.to_string();
        let limit = self.insert(work, owner).await?;
        Ok(Done {
            resource,
            summary: format!("created, {}", limit_summary(&limit)),
            answer: limit,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Limit> {
        get_limit::reread(work, &self.name).await
    }
}

impl CreateLimit {
    /// Writes the limit: a new one, or the deleted one of the same name and dimension, whose charges count on.
    pub(super) async fn insert(self, work: &mut Work<'_>, owner: Owner) -> Result<Limit> {
        if limits::find(work.conn, owner, &self.name.limit)
            .await?
            .is_some()
        {
            let resource = self.name.to_string();
            return Err(Refusal::Exists { resource }.into());
        }
        self.check_count(work, owner).await?;
        let NewLimit {
            dimension,
            amount,
            span,
            rest,
        } = self.limit;
        let old = limits::find_deleted(work.conn, owner, &self.name.limit, dimension).await?;
        let mut limit = Limit {
            uid: old.as_ref().map_or_else(Uuid::now_v7, |old| old.uid),
            rev: work.rev,
            owner,
            id: self.name.limit,
            create_time: old.as_ref().map_or(work.now, |old| old.create_time),
            update_time: work.now,
            dimension,
            amount,
            span,
            models: Vec::new(),
            mode: Mode::default(),
            validity: None,
            start_within: None,
            blackout: None,
            offline: None,
        };
        rest.apply(&mut limit)?;
        match old {
            Some(old) => {
                limits::update(work.conn, &limit).await?;
                count_on(work.conn, &limit, old.span).await?;
                deletions::forget(work.conn, "limits", limit.uid).await?;
            }
            None => limits::insert(work.conn, &limit).await?,
        }
        Ok(limit)
    }

    async fn check_count(&self, work: &mut Work<'_>, owner: Owner) -> Result<()> {
        let count = limits::count(work.conn, owner).await?;
        if usize::try_from(count).is_ok_and(|count| count < LIMITS_MAX) {
            return Ok(());
        }
        let resource = self.name.owner.to_string();
        let message = format!(
            "{resource} has {count} limits, at most {LIMITS_MAX} are allowed; delete one first"
        );
        Err(Refusal::State { resource, message }.into())
    }
}

/// For the audit.
fn limit_summary(limit: &Limit) -> String {
    let models = match limit.models.len() {
        0 => String::new(),
        1 => format!(", models {}", limit.models[0].as_str()),
        count => format!(", model patterns: {count}"),
    };
    let (amount, dimension) = (limit.amount, limit.dimension.as_str());
    let span = span_words(limit.span);
    let mode = match limit.mode {
        Mode::Enforce => "",
        Mode::Shadow => ", shadow",
    };
    let offline = limit.offline.as_ref().map(share_words);
    let offline = offline.map_or_else(String::new, |share| format!(", {share}"));
    format!("{amount} {dimension} {span}{models}{mode}{offline}")
}

/// Over what it counts, in words.
pub(super) fn span_words(span: Span) -> String {
    match span {
        Span::Rolling(window) => format!("per {}", humantime::format_duration(window)),
        Span::Calendar(calendar) => {
            let (period, zone) = (calendar.period.as_str(), calendar.zone.as_str());
            format!("a {period} in {zone}")
        }
        Span::Held(longest) => {
            format!("for at most {} each", humantime::format_duration(longest))
        }
    }
}

/// What is kept for outages, in words.
pub(super) fn share_words(share: &OfflineShare) -> String {
    let outage = humantime::format_duration(share.outage_max);
    format!(
        "{} % in {} slots for outages of {outage}",
        share.percent, share.slots
    )
}
