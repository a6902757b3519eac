//! `ExplainLease`: every caller may ask for itself, about pools that it may lease from; whoever may read may ask about all.

use tonic::Status;

use super::{Admin, explanation_message};
use crate::domain::caller::{Bearer, Right};
use crate::domain::field::{FieldErrors, text};
use crate::domain::models::MODEL_BYTES_MAX;
use crate::domain::name::{CallerName, PoolName};
use crate::domain::refusal::LeaseRefusal;
use crate::proto;
use crate::service::auth::Identity;
use crate::service::lease::lease_key::estimate;
use crate::service::status::{of_error, of_lease_refusal, of_refusal};
use crate::store::connection::{ANSWER_WITHIN, in_time};
use crate::vault::{Error, ExplainLease, Refusal};

pub(super) async fn explain(
    admin: &Admin,
    identity: &Identity,
    request: proto::ExplainLeaseRequest,
) -> Result<proto::ExplainLeaseResponse, Status> {
    let (caller, asked) = parse(request).map_err(|fields| of_refusal(&Refusal::Fields(fields)))?;
    let asker = &identity.bearer.caller;
    let may_read = asker.has(Right::Read);
    let is_of_another = caller.as_ref().is_some_and(|name| name.0 != asker.id);
    if is_of_another && !may_read {
        let needed = Right::Read.roles();
        return Err(of_refusal(&Refusal::RoleMissing { needed }));
    }
    let bearer: Bearer = match caller.filter(|_| is_of_another) {
        Some(name) => {
            let found = in_time(ANSWER_WITHIN, admin.vault.explained_caller(&name)).await;
            found.map_err(of_error)?
        }
        None => identity.bearer.clone(),
    };
    // Whether a pool exists is told to nobody who may neither use it nor read of it.
    let denied = || {
        let now = admin.vault.live().now().database;
        of_lease_refusal(&LeaseRefusal::PoolDenied, now)
    };
    if !may_read && !asker.may_lease(&asked.pool.0) {
        return Err(denied());
    }
    match admin.vault.explain_lease(&bearer, &asked).await {
        Ok(explanation) => Ok(explanation_message::of(explanation, asked.model)),
        Err(Error::Refused(Refusal::NotFound { .. })) if !may_read => Err(denied()),
        Err(error) => Err(of_error(error)),
    }
}

type Asked = (Option<CallerName>, ExplainLease);

fn parse(
    request: proto::ExplainLeaseRequest,
) -> Result<Asked, Vec<crate::domain::field::FieldError>> {
    let mut errors = FieldErrors::default();
    let pool = errors.take(PoolName::parse("pool", &request.pool));
    let caller = (!request.caller.is_empty())
        .then(|| CallerName::parse("caller", &request.caller))
        .transpose();
    let caller = errors.take(caller);
    let model = errors.take(text("model", request.model, MODEL_BYTES_MAX));
    let estimate = errors.take(request.estimate.as_ref().map(estimate).transpose());
    let whole = || {
        let asked = ExplainLease {
            pool: pool?,
            model: model.filter(|model| !model.is_empty()),
            estimate: estimate?,
        };
        Some((caller?, asked))
    };
    errors.ready(whole())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_with_a_request_is_named_at_once() {
        let request = proto::ExplainLeaseRequest {
            pool: "openai".to_owned(),
            caller: "callers/".to_owned(),
            model: "m".repeat(257),
            estimate: Some(proto::Estimate {
                input_tokens: -1,
                ..Default::default()
            }),
        };
        let faults = parse(request).unwrap_err();
        let fields: Vec<_> = faults.into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["pool", "caller", "model", "estimate.input_tokens"]);
    }
}
