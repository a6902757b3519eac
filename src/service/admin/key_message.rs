//! Keys, their versions and rotations, as the contract has them.

use crate::domain::field::{FieldErrors, Parsed};
use crate::domain::health::Health;
use crate::domain::id::Id;
use crate::domain::key::Stage;
use crate::domain::labels::Labels;
use crate::domain::models::{ModelRules, model_map, patterns};
use crate::domain::name::{AccountName, KeyName, VersionName};
use crate::domain::probe::ProbeResult;
use crate::domain::rotation::{Origin, Step};
use crate::proto;
use crate::service::convert::{
    disablement, distrust, duration, failure_class, labels, parse_rotation_policy, rotation_policy,
    timestamp,
};
use crate::store::probes::Last;
use crate::vault::{CreateKey, KeyView, RotationView, SecretValue, VersionView};

/// A key to create, as it comes in a request: the paths of its fields, and their values.
pub(super) struct NewKey<'a> {
    pub(super) account: Option<Id>,
    pub(super) id_path: &'a str,
    pub(super) id: &'a str,
    pub(super) path: &'a str,
    pub(super) key: Option<proto::Key>,
    pub(super) secret_path: &'a str,
    pub(super) secret: Option<proto::Secret>,
}

/// Parses a key to create.
pub(super) fn to_create(errors: &mut FieldErrors, new: NewKey<'_>) -> Option<CreateKey> {
    let path = new.path;
    let key = new.key.unwrap_or_default();
    let id = errors.take(Id::parse(new.id_path, new.id));
    let labels = errors.take_within(path, Labels::parse("labels", key.labels));
    let allow = errors.take_within(path, patterns("model_allow", &key.model_allow));
    let deny = errors.take_within(path, patterns("model_deny", &key.model_deny));
    let map = errors.take_within(path, model_map("model_map", key.model_map));
    let interval = parse_rotation_policy("rotation_policy", key.rotation_policy.as_ref());
    let interval = errors.take_within(path, interval);
    let secret = new.secret.map(|given| secret(new.secret_path, given));
    let secret = errors.take(secret.transpose());
    Some(CreateKey {
        name: KeyName {
            account: new.account?,
            key: id?,
        },
        labels: labels?,
        models: ModelRules {
            allow: allow?,
            deny: deny?,
            map: map?,
        },
        rotation_interval: interval?,
        secret: secret?,
    })
}

/// Parses a secret; its strings are taken over, not copied.
pub(super) fn secret(path: &str, secret: proto::Secret) -> Parsed<SecretValue> {
    SecretValue::parse(path, secret.value, secret.fields)
}

/// Parses the parent of a list: an account, or all of them.
pub(super) fn parse_parent(parent: &str) -> Parsed<Option<Id>> {
    if parent == "accounts/-" {
        return Ok(None);
    }
    AccountName::parse("parent", parent).map(|name| Some(name.0))
}

/// A key, with the values in force.
pub(super) fn of(view: KeyView) -> proto::Key {
    let key = view.key;
    let texts = |patterns: &[crate::domain::models::Pattern]| {
        let texts = patterns.iter().map(|pattern| pattern.as_str().to_owned());
        texts.collect()
    };
    let version_name = |number| VersionName {
        key: view.name.clone(),
        number,
    };
    proto::Key {
        name: view.name.to_string(),
        uid: key.meta.uid.to_string(),
        etag: key.meta.etag(),
        labels: labels(&key.meta.labels),
        create_time: Some(timestamp(key.meta.create_time)),
        update_time: Some(timestamp(key.meta.update_time)),
        model_allow: texts(&key.models.allow),
        model_deny: texts(&key.models.deny),
        model_map: key.models.map,
        rotation_policy: Some(rotation_policy(view.rotation_interval)),
        disablement: key.disablement.as_ref().map(disablement),
        distrust: key.meta.distrust.as_ref().map(distrust),
        current_version: view
            .current
            .map(|number| version_name(number).to_string())
            .unwrap_or_default(),
        next_rotation_time: view.next_rotation.map(timestamp),
        rotation_overdue: view.rotation_overdue,
    }
}

/// A version.
pub(super) fn of_version(view: VersionView) -> proto::KeyVersion {
    let version = view.version;
    proto::KeyVersion {
        name: view.name.to_string(),
        uid: version.meta.uid.to_string(),
        etag: version.meta.etag(),
        create_time: Some(timestamp(version.meta.create_time)),
        update_time: Some(timestamp(version.meta.update_time)),
        stage: stage(version.stage).into(),
        health: Some(health(&version.health)),
        promote_time: version.promote_time.map(timestamp),
        revoke_time: version.revoke_time.map(timestamp),
        master_key_fingerprint: view.master_key,
        distrust: version.meta.distrust.as_ref().map(distrust),
        next_probe_time: view.probes.as_ref().and_then(|row| row.next).map(timestamp),
        last_probe: view.probes.and_then(|row| row.last).map(probe),
    }
}

/// A probe.
pub(super) fn probe(last: Last) -> proto::Probe {
    let result = match last.result {
        ProbeResult::Well => proto::ProbeResult::Well,
        ProbeResult::Rejected => proto::ProbeResult::Rejected,
        ProbeResult::Spent => proto::ProbeResult::Spent,
        ProbeResult::Unclear => proto::ProbeResult::Unclear,
    };
    proto::Probe {
        time: Some(timestamp(last.time)),
        result: result.into(),
        why: last.why,
        took: Some(duration(last.took)),
    }
}

/// A rotation.
pub(super) fn of_rotation(view: RotationView) -> proto::Rotation {
    let rotation = view.rotation;
    let version_name = |number| {
        let key = view.name.key.clone();
        VersionName { key, number }.to_string()
    };
    proto::Rotation {
        name: view.name.to_string(),
        uid: rotation.uid.to_string(),
        step: step(rotation.step).into(),
        create_time: Some(timestamp(rotation.create_time)),
        update_time: Some(timestamp(rotation.update_time)),
        from_version: rotation.from_number.map(version_name).unwrap_or_default(),
        to_version: version_name(rotation.to_number),
        reason: rotation.reason,
        origin: origin(rotation.origin).into(),
        step_time: Some(timestamp(rotation.step_time)),
        attempts: i32::try_from(rotation.attempts).unwrap_or(i32::MAX),
        next_attempt_time: rotation.next_attempt.map(timestamp),
        detail: rotation.why,
        held: rotation.is_held,
        grace: Some(duration(rotation.grace)),
        rolled_back_by_itself: rotation.is_automatic,
    }
}

/// A version's health.
pub(super) fn health(health: &Health) -> proto::Health {
    let state = match health {
        Health::Active => proto::HealthState::Active,
        Health::Cooling(_) => proto::HealthState::Cooling,
        Health::Dead(_) => proto::HealthState::Dead,
    };
    let cause = health.cause();
    let class = cause.map_or(proto::FailureClass::Unspecified, |cause| {
        failure_class(cause.class)
    });
    proto::Health {
        state: state.into(),
        until: cause.map(|cause| timestamp(cause.until)),
        why: cause.map(|cause| cause.why.clone()).unwrap_or_default(),
        failure_class: class.into(),
        unconfirmed: cause.is_some_and(|cause| cause.accuser.is_some()),
    }
}

/// A version's stage.
pub(super) const fn stage(stage: Stage) -> proto::VersionStage {
    match stage {
        Stage::Pending => proto::VersionStage::Pending,
        Stage::Current => proto::VersionStage::Current,
        Stage::Previous => proto::VersionStage::Previous,
        Stage::Revoked => proto::VersionStage::Revoked,
    }
}

const fn origin(origin: Origin) -> proto::RotationOrigin {
    match origin {
        Origin::Operator => proto::RotationOrigin::Operator,
        Origin::Rotator => proto::RotationOrigin::Rotator,
    }
}

const fn step(step: Step) -> proto::RotationStep {
    match step {
        Step::Creating => proto::RotationStep::Creating,
        Step::Pending => proto::RotationStep::Pending,
        Step::Testing => proto::RotationStep::Testing,
        Step::Draining => proto::RotationStep::Draining,
        Step::Revoking => proto::RotationStep::Revoking,
        Step::Done => proto::RotationStep::Done,
        Step::Cancelled => proto::RotationStep::Cancelled,
        Step::RolledBack => proto::RotationStep::RolledBack,
    }
}
