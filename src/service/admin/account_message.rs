//! An account, as the contract has it.

use super::{learned_limits, limit_message};
use crate::domain::account::Cooldown;
use crate::domain::endpoint::Endpoint;
use crate::domain::endpoint::upstreams::Upstreams;
use crate::domain::field::{FieldError, FieldErrors, Parsed, text};
use crate::domain::health::Cause;
use crate::domain::id::Id;
use crate::domain::labels::Labels;
use crate::domain::name::{AccountName, OwnerName};
use crate::domain::profile::{Placement, PlacementKind, Profile};
use crate::proto;
use crate::proto::credential_placement::Place;
use crate::service::convert::{
    disablement, distrust, failure_class, labels, parse_rotation_policy, rotation_policy, timestamp,
};
use crate::vault::{AccountView, CreateAccount};

const PREFIX_BYTES_MAX: usize = 64;
const PLACE_NAME_BYTES_MAX: usize = 64;

/// Parses an account to create; field paths begin with `path`, its id's path is `id_path`.
pub(super) fn to_create(
    errors: &mut FieldErrors,
    (id_path, id): (&str, &str),
    (path, account): (&str, Option<proto::Account>),
    upstreams: Upstreams,
) -> Option<CreateAccount> {
    let account = account.unwrap_or_default();
    let id = errors.take(Id::parse(id_path, id));
    let profile = Profile::parse("provider_profile", &account.provider_profile);
    let profile = errors.take_within(path, profile);
    let labels = errors.take_within(path, Labels::parse("labels", account.labels));
    let interval = parse_rotation_policy("rotation_policy", account.rotation_policy.as_ref());
    let interval = errors.take_within(path, interval);
    let placement = parse_placement(account.credential_placement);
    let placement = errors.take_within(path, placement);
    let learned = learned_limits::policy(account.learned_limits);
    let learned = errors.take_within(path, learned);
    let profile = profile?;
    let endpoint = Endpoint::of_profile(
        profile,
        &account.base_url,
        account.allowed_hosts,
        account.allow_http,
    );
    let endpoint = endpoint.and_then(|endpoint| upstreams.admit(endpoint));
    let endpoint = errors.take_within(path, endpoint);
    let placement = placement?;
    errors.take_within(path, Placement::check(profile, placement.as_ref()));
    Some(CreateAccount {
        id: id?,
        labels: labels?,
        profile,
        endpoint: endpoint?,
        placement,
        rotation_interval: interval?,
        learned_limits: learned?,
    })
}

/// Parses where a generic provider expects the key.
pub(super) fn parse_placement(
    placement: Option<proto::CredentialPlacement>,
) -> Parsed<Option<Placement>> {
    const FIELD: &str = "credential_placement";
    let Some(placement) = placement else {
        return Ok(None);
    };
    let (kind, name) = match placement.place {
        Some(Place::Header(name)) => (PlacementKind::Header, name),
        Some(Place::Query(name)) => (PlacementKind::Query, name),
        None => return Err(FieldError::new(FIELD, "must name a header or a query")),
    };
    let field = format!("{FIELD}.{}", kind.as_str());
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    let capitals = kind == PlacementKind::Query;
    let well_formed = (1..=PLACE_NAME_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|b| allowed(b) || (capitals && b.is_ascii_uppercase()));
    if !well_formed {
        let message = "must have 1 to 64 characters of a-z, 0-9, '-', '_' and '.'";
        return Err(FieldError::new(field, message));
    }
    let prefix = text(
        &format!("{FIELD}.prefix"),
        placement.prefix,
        PREFIX_BYTES_MAX,
    )?;
    Ok(Some(Placement { kind, name, prefix }))
}

/// With what it cools down from and its limits.
pub(super) fn of(view: AccountView) -> proto::Account {
    let account = view.account;
    let owner = OwnerName::Account(account.id.clone());
    proto::Account {
        name: AccountName(account.id).to_string(),
        uid: account.meta.uid.to_string(),
        etag: account.meta.etag(),
        labels: labels(&account.meta.labels),
        create_time: Some(timestamp(account.meta.create_time)),
        update_time: Some(timestamp(account.meta.update_time)),
        provider_profile: account.profile.as_str().to_owned(),
        base_url: account.endpoint.base_url,
        allowed_hosts: account.endpoint.allowed_hosts,
        allow_http: account.endpoint.allow_http,
        credential_placement: account.placement.map(placement),
        rotation_policy: Some(rotation_policy(view.rotation_interval)),
        disablement: account.disablement.as_ref().map(disablement),
        distrust: account.meta.distrust.as_ref().map(distrust),
        learned_limits: learned_limits::message(account.learned_limits).into(),
        cooldowns: view.cooldowns.iter().map(cooldown).collect(),
        limits: view
            .limits
            .iter()
            .map(|limit| limit_message::of_read(limit, owner.clone()))
            .collect(),
    }
}

fn placement(placement: Placement) -> proto::CredentialPlacement {
    let place = match placement.kind {
        PlacementKind::Header => Place::Header(placement.name),
        PlacementKind::Query => Place::Query(placement.name),
    };
    proto::CredentialPlacement {
        place: Some(place),
        prefix: placement.prefix,
    }
}

pub(super) fn cooldown(cooldown: &Cooldown) -> proto::Cooldown {
    cooldown_of(&cooldown.model, &cooldown.cause)
}

/// Of a model, or of the whole where it is empty.
pub(super) fn cooldown_of(model: &str, cause: &Cause) -> proto::Cooldown {
    proto::Cooldown {
        model: model.to_owned(),
        until: Some(timestamp(cause.until)),
        why: cause.why.clone(),
        failure_class: failure_class(cause.class).into(),
    }
}
