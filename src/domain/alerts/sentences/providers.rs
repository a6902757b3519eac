//! Conditions about providers and what they say, in words.

use super::time;
use crate::domain::alerts::view::{LimitFact, QuotaFact};
use crate::domain::alerts::{Condition, Kind};
use crate::domain::cooling::UNNAMED;
use crate::domain::incident::{IncidentKind, Ongoing};
use crate::domain::name::{LimitName, OwnerName};

pub(in crate::domain::alerts) fn limit_differs(fact: &LimitFact) -> Condition {
    let name = LimitName {
        owner: OwnerName::Account(fact.account.clone()),
        limit: fact.limit.clone(),
    };
    let (configured, stated) = (fact.configured, fact.stated);
    let harm = if stated < configured {
        "leases will meet 429"
    } else {
        "some of it is not used"
    };
    let short = format!("{}/{}", fact.account, fact.limit);
    Condition::new(
        Kind::LimitDiffers,
        &name,
        format!("{name} is {configured}, and the provider states {stated}: {harm}"),
        format!(
            "compare with the provider's own page, then `keylease limits update {short} --amount {stated}`"
        ),
        None,
    )
}

pub(in crate::domain::alerts) fn quota_spent(fact: &QuotaFact) -> Condition {
    let (account, until) = (&fact.account, time(fact.until));
    let of = match fact.models.as_slice() {
        [] => String::new(),
        [first, others @ ..] => {
            let named = if first == UNNAMED {
                "leases that name no model".to_owned()
            } else {
                format!("model {first}")
            };
            match others.len() {
                0 => format!(" for {named}"),
                others => format!(" for {named} and {others} more"),
            }
        }
    };
    Condition::new(
        Kind::QuotaSpent,
        format!("accounts/{account}"),
        format!(
            "accounts/{account} has spent a quota{of}, as its provider says: none of its keys serves that until {until}"
        ),
        "raise the quota or add credit at the provider, or add keys of another account".to_owned(),
        Some(fact.until),
    )
}

pub(in crate::domain::alerts) fn mass_failure(subject: &str, incidents: &[&Ongoing]) -> Condition {
    let told = incidents.iter().map(|incident| {
        let (why, until) = (&incident.why, time(incident.until));
        match incident.kind {
            IncidentKind::Breaker => format!(
                "{subject} fails for several keys ({why}): no lease for it but one trial at a time, the next at {until}"
            ),
            IncidentKind::Egress => format!(
                "{subject} refuses where we come from ({why}): no key is blamed for it until {until}"
            ),
            IncidentKind::Brake => format!(
                "keys of {subject} die together ({why}): none is taken out for longer than a pause until {until}"
            ),
        }
    });
    let told: Vec<String> = told.collect();
    let is_of_pool = incidents
        .iter()
        .any(|incident| incident.kind == IncidentKind::Brake);
    let remedy = if is_of_pool {
        "see whether the provider or the way to it fails, or whether the keys were really revoked: `keylease status` of the pool names each"
    } else {
        "look at the provider's status page, and at the proxy, address and region that callers come from; it is tried again by itself"
    };
    Condition::new(
        Kind::MassFailure,
        subject,
        told.join("; "),
        remedy.to_owned(),
        incidents.iter().map(|incident| incident.until).max(),
    )
}

pub(in crate::domain::alerts) fn journal_behind() -> Condition {
    Condition::new(
        Kind::JournalBehind,
        "journal",
        "the journal of leases cannot be written, or not fast enough: pools with a strict journal refuse leases, those with a full one only count them, or counts lose their keys and callers".to_owned(),
        "look at the database and at the log, which tells why, and at `keylease_journal_depth`, or have busy pools count their leases (`keylease pools update --journal rollup`)"
            .to_owned(),
        None,
    )
}
