//! The status of a pool, as the contract has it.

use super::account_message::{cooldown, cooldown_of};
use super::incident_message::incident;
use super::key_message::{health, stage};
use super::limit_message::{dimension, mode};
use crate::domain::name::{KeyName, VersionName};
use crate::domain::status::{
    CoolingModel, KeyStatus, LimitStatus, OfflineStatus, PoolStatus, Standing, VersionStatus,
};
use crate::proto;
use crate::service::convert::{amount, disablement, distrust, duration, timestamp};

/// With the counts of its keys.
pub(super) fn of(status: &PoolStatus) -> proto::PoolStatus {
    let stand = |standing| count(status.count(standing));
    proto::PoolStatus {
        pool: status.pool.to_string(),
        status_time: Some(timestamp(status.time)),
        replica: status.replica.to_string(),
        replicas_live: count(status.replicas_live),
        keys_serving: stand(Standing::Serving),
        keys_cooling: stand(Standing::Cooling),
        keys_dead: stand(Standing::Dead),
        keys_disabled: stand(Standing::Disabled),
        keys: status.keys.iter().map(key).collect(),
        limits: status.limits.iter().map(limit).collect(),
        waiting: count(status.waiting),
        disablement: status.disablement.as_ref().map(disablement),
        keys_distrusted: stand(Standing::Distrusted),
        distrust: status.distrust.as_ref().map(distrust),
        incidents: status.incidents.iter().map(incident).collect(),
        keys_provider_failing: stand(Standing::ProviderFailing),
        model_cooldowns: status.cooling_models.iter().map(model).collect(),
    }
}

fn model(cooling: &CoolingModel) -> proto::ModelCooldown {
    proto::ModelCooldown {
        name: cooling.of.clone(),
        cooldown: Some(cooldown_of(&cooling.model, &cooling.cause)),
    }
}

fn key(status: &KeyStatus) -> proto::KeyStatus {
    let version = |version| version_of(&status.name, version);
    proto::KeyStatus {
        key: status.name.to_string(),
        tier: count(status.tier),
        weight: count(status.weight),
        versions: status.versions.iter().map(version).collect(),
        disablement: status.disablement.as_ref().map(disablement),
        account_cooldown: status.account_cooldown.as_ref().map(cooldown),
        next_rotation_time: status.next_rotation.map(timestamp),
        rotation_overdue: status.rotation_overdue,
        leases: amount(status.usage.leases),
        last_use_time: status.usage.last_use.map(timestamp),
        breaker: status.breaker.as_ref().map(incident),
        distrust: status.distrust.as_ref().map(distrust),
    }
}

fn version_of(key: &KeyName, status: &VersionStatus) -> proto::VersionStatus {
    let name = VersionName {
        key: key.clone(),
        number: status.number,
    };
    proto::VersionStatus {
        version: name.to_string(),
        stage: stage(status.stage).into(),
        health: Some(health(&status.health)),
        consecutive_failures: count(status.consecutive_failures),
        distrust: status.distrust.as_ref().map(distrust),
    }
}

fn limit(status: &LimitStatus) -> proto::LimitStatus {
    proto::LimitStatus {
        limit: status.name.to_string(),
        dimension: dimension(status.dimension).into(),
        amount: amount(status.amount),
        charged: amount(status.charged),
        remaining: amount(status.remaining()),
        charge_time: Some(duration(status.charge_time)),
        next_charge_end_time: status.next_charge_end.map(timestamp),
        mode: mode(status.mode).into(),
        offline: status.offline.as_ref().map(offline),
    }
}

fn offline(status: &OfflineStatus) -> proto::OfflineStatus {
    proto::OfflineStatus {
        reserved: amount(status.reserved),
        slot: status.slot.map(count),
        slot_units: amount(status.slot_units),
        slot_left: amount(status.slot_left),
    }
}

/// A count of the contract.
fn count<N: TryInto<i32>>(value: N) -> i32 {
    value.try_into().unwrap_or(i32::MAX)
}
