//! What providers state of their limits: shown beside what is configured, and adopted by a person.

use clap::Args;

use crate::cli::connect::ClientArgs;
use crate::cli::failure::Failure;
use crate::cli::flags::{ChangeArgs, say_validated};
use crate::cli::{names, output, table, words};
use crate::proto::{self, LearnedLimit};

/// The help of `learned`.
pub(super) const LEARNED_HELP: &str = "\
Providers state their limits in the headers of their answers; report those (`keylease report --header`, or your client) to see them here.
Where a limit differs: keylease limits adopt openai/rpm
To have limits lowered by themselves: keylease accounts update openai --learned-limits adopt";

#[derive(Debug, Args)]
pub(super) struct AdoptArgs {
    /// The limit: openai/rpm or accounts/openai/limits/rpm
    name: String,
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Debug, Args)]
pub(super) struct LearnedArgs {
    /// Whose: an account (openai, accounts/openai)
    account: String,
}

/// Shows what an account's provider states.
pub(super) async fn show(client: &ClientArgs, args: LearnedArgs) -> Result<(), Failure> {
    let parent = names::account(&args.account)?;
    let request = proto::ListLearnedLimitsRequest { parent };
    let answer = client.admin().await?.list_learned_limits(request).await?;
    output::show(client.json, &answer.into_inner(), |answer| {
        list(&answer.learned_limits)
    })
}

/// Changes a limit to what the provider states of it, up or down: a person's word.
pub(super) async fn adopt(
    client: &ClientArgs,
    args: AdoptArgs,
) -> Result<Option<proto::Limit>, Failure> {
    let name = names::limit(&args.name)?;
    let (parent, _) = names::split(&name);
    let mut admin = client.admin().await?;
    let request = proto::ListLearnedLimitsRequest {
        parent: parent.to_owned(),
    };
    let stated = admin.list_learned_limits(request).await?.into_inner();
    let stated = stated.learned_limits.into_iter();
    // Of several models that share the limit, the lowest holds for all.
    let stated = stated.filter(|learned| learned.limit == name);
    let Some(stated) = stated.min_by_key(|learned| learned.amount) else {
        let message = format!("the provider has stated nothing of {name}");
        return Err(Failure::Failed(message));
    };
    let read = admin.get_limit(proto::GetLimitRequest { name }).await?;
    let mut limit = read.into_inner().limit.ok_or_else(super::lacking)?;
    limit.amount = stated.amount;
    let request = proto::UpdateLimitRequest {
        limit: Some(limit),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["amount".to_owned()],
        }),
        request_id: args.change.request_id,
        validate_only: args.change.validate_only,
        reason: args.change.reason,
    };
    let answer = admin.update_limit(request).await?;
    say_validated(args.change.validate_only);
    Ok(answer.into_inner().limit)
}

/// One line for each that is not configured as stated, to stand under the limits of an account.
pub(super) async fn remarks(client: &ClientArgs, owner: &str) -> Result<Vec<String>, Failure> {
    if !owner.starts_with("accounts/") {
        return Ok(Vec::new());
    }
    let request = proto::ListLearnedLimitsRequest {
        parent: owner.to_owned(),
    };
    match client.admin().await?.list_learned_limits(request).await {
        Ok(answer) => {
            let stated = answer.into_inner().learned_limits;
            Ok(stated.iter().filter_map(remark).collect())
        }
        // A server of an earlier release.
        Err(status) if status.code() == tonic::Code::Unimplemented => Ok(Vec::new()),
        Err(status) => Err(status.into()),
    }
}

fn remark(learned: &LearnedLimit) -> Option<String> {
    let stated = what(learned);
    let of = of_model(learned);
    let said = format!("the provider says {stated}{of}");
    if learned.limit.is_empty() {
        return Some(format!("{said}, which no limit has"));
    }
    let limit = super::view::short(&learned.limit);
    (learned.amount != learned.configured_amount)
        .then(|| format!("{said}: keylease limits adopt {limit}"))
}

/// Several of them.
fn list(stated: &[LearnedLimit]) -> String {
    let rows = stated.iter().map(|learned| {
        let configured = match learned.limit.as_str() {
            "" => "no limit".to_owned(),
            limit => format!(
                "{} by {}",
                words::number(learned.configured_amount),
                super::view::short(limit)
            ),
        };
        vec![
            what(learned),
            if learned.model.is_empty() {
                "all".to_owned()
            } else {
                words::printable(&learned.model)
            },
            configured,
            learned.callers.to_string(),
            words::time(learned.last_seen_time.as_ref()),
        ]
    });
    let header = [
        "PROVIDER SAYS",
        "MODEL",
        "CONFIGURED",
        "CALLERS",
        "LAST SEEN",
    ];
    table::list(&header, rows, "the provider has stated nothing yet")
}

fn what(learned: &LearnedLimit) -> String {
    let dimension = words::enum_value(learned.dimension().as_str_name(), "LIMIT_DIMENSION");
    let window = words::proto_duration(learned.window.as_ref());
    format!("{} {dimension} in {window}", words::number(learned.amount))
}

fn of_model(learned: &LearnedLimit) -> String {
    if learned.model.is_empty() {
        return String::new();
    }
    format!(" of {}", words::printable(&learned.model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::LimitDimension;

    #[test]
    fn what_differs_is_told_with_its_remedy_and_what_agrees_is_not() {
        let mut learned = LearnedLimit {
            amount: 500,
            dimension: LimitDimension::Requests.into(),
            window: Some(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            }),
            model: "gpt-5".to_owned(),
            ..LearnedLimit::default()
        };
        let told = remark(&learned).unwrap();
        assert_eq!(
            told,
            "the provider says 500 requests in 1 m of gpt-5, which no limit has"
        );
        learned.limit = "accounts/openai/limits/rpm".to_owned();
        learned.configured_amount = 1_000;
        let told = remark(&learned).unwrap();
        assert!(
            told.ends_with("of gpt-5: keylease limits adopt openai/rpm"),
            "{told}"
        );
        assert!(list(&[learned.clone()]).contains("1,000 by openai/rpm"));
        learned.configured_amount = 500;
        assert_eq!(remark(&learned), None);
    }
}
