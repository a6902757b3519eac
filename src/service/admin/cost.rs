//! `GetCost`.

use super::faults::Faults;
use super::{Admin, Answer};
use crate::domain::field::{FieldError, Parsed, text};
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::name::{AccountName, CallerName, PoolName};
use crate::domain::spend::{Day, OTHER};
use crate::domain::tags::Tags;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::convert::{amount, parse_timestamp};
use crate::store::spend::{Group, Selection};
use crate::vault::Page;

/// The most that sums are grouped by.
const GROUP_BY_MAX: usize = 4;
/// What sums are grouped by, besides tags.
const GROUPS: [&str; 5] = ["day", "pool", "account", "model", "caller"];

pub(super) async fn get(
    admin: &Admin,
    _: &Identity,
    request: proto::GetCostRequest,
) -> Answer<proto::GetCostResponse> {
    let mut faults = Faults::default();
    let page = faults.take(Page::parse(
        admin.vault.keys(),
        &["GetCost", &asked(&request)],
        request.page_size,
        &request.page_token,
    ));
    let group_by = faults.take(group_by(request.group_by.clone()));
    let selection = selection(&mut faults, request);
    let whole = || Some((selection?, group_by?, page?));
    let (selection, group_by, page) = faults.finish(whole())?;
    let (groups, next_page_token) = admin.vault.get_cost(&selection, &group_by, &page).await?;
    let row = |group: Group| row(&group_by, group);
    Ok(proto::GetCostResponse {
        rows: groups.into_iter().map(row).collect(),
        next_page_token,
    })
}

/// All that must stay the same from page to page.
fn asked(request: &proto::GetCostRequest) -> String {
    let asked = proto::GetCostRequest {
        page_size: 0,
        page_token: String::new(),
        ..request.clone()
    };
    format!("{asked:?}")
}

fn group_by(parts: Vec<String>) -> Parsed<Vec<String>> {
    if parts.len() > GROUP_BY_MAX {
        let message = format!(
            "has {} entries, at most {GROUP_BY_MAX} are allowed",
            parts.len()
        );
        return Err(FieldError::new("group_by", message));
    }
    for (i, part) in parts.iter().enumerate() {
        let is_tag = part
            .strip_prefix("tag.")
            .is_some_and(|key| Tags::parse("group_by", [(key.to_owned(), String::new())]).is_ok());
        if !is_tag && !GROUPS.contains(&part.as_str()) {
            let message = "must be one of day, pool, account, model, caller, tag.KEY";
            return Err(FieldError::new(format!("group_by[{i}]"), message));
        }
        if parts[..i].contains(part) {
            return Err(FieldError::new(
                format!("group_by[{i}]"),
                "comes twice, name it once",
            ));
        }
    }
    Ok(parts)
}

fn selection(faults: &mut Faults, request: proto::GetCostRequest) -> Option<Selection> {
    let start = match &request.start_time {
        Some(time) => day("start_time", time).map(Some),
        None => Err(FieldError::new("start_time", "is required")),
    };
    let start = faults.take(start);
    let end = request.end_time.as_ref().map(|time| day("end_time", time));
    let end = faults.take(end.transpose());
    if let (Some(Some(start)), Some(Some(end))) = (start, end)
        && end <= start
    {
        faults.add(FieldError::new("end_time", "must be after start_time"));
    }
    let pool = name(&request.pool, |name| PoolName::parse("pool", name));
    let pool = faults.take(pool);
    let account = name(&request.account, |name| AccountName::parse("account", name));
    let account = faults.take(account);
    let caller = name(&request.caller, |name| CallerName::parse("caller", name));
    let caller = faults.take(caller);
    let model = faults.take(text("model", request.model, MODEL_BYTES_MAX));
    let tags = faults.take(Tags::parse("tags", request.tags));
    Some(Selection {
        start: start?,
        end: end?,
        pool: pool?,
        account: account?,
        model: Some(model?).filter(|model| !model.is_empty()),
        caller: caller?,
        tags: tags?,
    })
}

/// A day that begins at a time.
fn day(field: &str, time: &prost_types::Timestamp) -> Parsed<Day> {
    let time = parse_timestamp(field, time)?;
    Day::beginning(time).ok_or_else(|| {
        let message = "must be the start of a day in UTC, since sums are kept by day";
        FieldError::new(field, message)
    })
}

/// The full name of a filter, if it is one; what was too varied to be told apart can be asked for too.
fn name<T>(text: &str, parse: impl Fn(&str) -> Parsed<T>) -> Parsed<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    if text != OTHER {
        parse(text)?;
    }
    Ok(Some(text.to_owned()))
}

fn row(group_by: &[String], group: Group) -> proto::CostRow {
    let sums = group.sums;
    proto::CostRow {
        group: group_by.iter().cloned().zip(group.values).collect(),
        cost_micros: amount(sums.cost_micros),
        requests: amount(sums.requests),
        input_tokens: amount(sums.input_tokens),
        output_tokens: amount(sums.output_tokens),
        cached_input_tokens: amount(sums.cached_input_tokens),
        unpriced_requests: amount(sums.unpriced_requests),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(parts: &[&str]) -> Parsed<Vec<String>> {
        group_by(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[test]
    fn groups_are_few_known_and_different() {
        assert!(grouped(&[]).is_ok());
        assert!(grouped(&["day", "tag.team", "tag.tier", "model"]).is_ok());
        for (parts, field) in [
            (
                &["day", "pool", "account", "model", "caller"][..],
                "group_by",
            ),
            (&["day", "month"], "group_by[1]"),
            (&["tag."], "group_by[0]"),
            (&["tag.Team"], "group_by[0]"),
            (&["pool", "pool"], "group_by[1]"),
        ] {
            assert_eq!(grouped(parts).unwrap_err().field, field, "{parts:?}");
        }
    }

    #[test]
    fn times_are_days_and_in_order() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let fields = |start_time, end_time| {
            let mut faults = Faults::default();
            let request = proto::GetCostRequest {
                start_time,
                end_time,
                ..Default::default()
            };
            let selection = selection(&mut faults, request);
            let fields = faults.fields.into_vec();
            let fields: Vec<_> = fields.into_iter().map(|fault| fault.field).collect();
            (selection.is_some(), fields)
        };
        assert_eq!(fields(at(0), at(86_400)), (true, vec![]));
        assert_eq!(fields(None, None).1, ["start_time"]);
        assert_eq!(fields(at(1), at(86_399)).1, ["start_time", "end_time"]);
        assert_eq!(fields(at(86_400), at(86_400)).1, ["end_time"]);
    }
}
