//! A plan as the one call that carries it.

use super::plan::{Plan, PlannedAccount, PlannedKey, PlannedPool, Policy};
use crate::proto::credential_placement::Place;
use crate::proto::{
    Account, CredentialPlacement, HealthPolicy, ImportKeysRequest, ImportedAccount, ImportedKey,
    ImportedLimit, ImportedPool, Key, Limit, LimitDimension, Pool, PoolMember, RotationPolicy,
    Secret, limit::Window,
};

/// The id of the limit that RATE_LIMIT_PER_MINUTE becomes.
const LIMIT_ID: &str = "requests-per-minute";
const MINUTE: prost_types::Duration = prost_types::Duration {
    seconds: 60,
    nanos: 0,
};

/// The call itself. The message's own copies of the secrets are dropped once they are sent, and cannot be wiped.
pub(super) fn with_secrets(plan: &Plan) -> ImportKeysRequest {
    request(plan, |key| {
        Some(Secret {
            value: key.secret.expose().to_owned(),
            ..Secret::default()
        })
    })
}

/// The same, to be shown.
pub(super) fn without_secrets(plan: &Plan) -> ImportKeysRequest {
    request(plan, |_| None)
}

fn request(plan: &Plan, secret: fn(&PlannedKey) -> Option<Secret>) -> ImportKeysRequest {
    let account = |planned| imported_account(planned, &plan.policy, secret);
    let pool = |planned| imported_pool(planned, &plan.policy);
    ImportKeysRequest {
        accounts: plan.accounts.iter().map(account).collect(),
        pools: plan.pools.iter().map(pool).collect(),
        ..ImportKeysRequest::default()
    }
}

fn imported_account(
    planned: &PlannedAccount,
    policy: &Policy,
    secret: fn(&PlannedKey) -> Option<Secret>,
) -> ImportedAccount {
    let base_url = planned.base_url.clone();
    let generic = planned.profile == "generic";
    let keys = planned.keys.iter().map(|key| ImportedKey {
        key_id: key.id.clone(),
        key: Some(Key::default()),
        secret: secret(key),
    });
    let limit = policy.requests_per_minute.map(|amount| ImportedLimit {
        limit_id: LIMIT_ID.into(),
        limit: Some(Limit {
            dimension: LimitDimension::Requests as i32,
            amount,
            window: Some(Window::Rolling(MINUTE)),
            ..Limit::default()
        }),
    });
    ImportedAccount {
        account_id: planned.id.clone(),
        account: Some(Account {
            provider_profile: planned.profile.into(),
            allow_http: base_url.as_ref().is_some_and(|url| url.http),
            base_url: base_url.map(|url| url.text).unwrap_or_default(),
            credential_placement: generic.then(bearer),
            ..Account::default()
        }),
        keys: keys.collect(),
        limits: limit.into_iter().collect(),
    }
}

/// How most providers take a key.
fn bearer() -> CredentialPlacement {
    CredentialPlacement {
        place: Some(Place::Header("authorization".into())),
        prefix: "Bearer ".into(),
    }
}

fn imported_pool(planned: &PlannedPool, policy: &Policy) -> ImportedPool {
    let members = planned.members.iter().map(|(target, tier)| PoolMember {
        target: target.clone(),
        tier: *tier,
        weight: 0,
    });
    let rotation = policy.rotation_hours.map(|hours| RotationPolicy {
        interval: Some(prost_types::Duration {
            seconds: hours * 3_600,
            nanos: 0,
        }),
    });
    ImportedPool {
        pool_id: planned.id.clone(),
        pool: Some(Pool {
            members: members.collect(),
            rotation_policy: rotation,
            health_policy: policy.probe.map(|probe_enabled| HealthPolicy {
                probe_enabled,
                ..HealthPolicy::default()
            }),
            ..Pool::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{self, Options};
    use super::*;
    use crate::cli::output;

    const FILE: &str = "OPENAI_API_KEY=canary1\nOPENAI_API_KEY_BACKUP_1=canary2\nFOO_API_KEY=canary3\n\
        FOO_BASE_URL=https://foo.example.com\nKEY_ROTATION_INTERVAL_HOURS=24\nKEY_HEALTH_CHECK_ENABLED=0\n\
        RATE_LIMIT_PER_MINUTE=60\n";

    #[test]
    fn the_call_carries_limits_on_accounts_and_policies_on_pools() {
        let plan = plan::read(FILE.as_bytes(), &Options::default()).unwrap();
        let request = with_secrets(&plan);
        let foo = request.accounts[0].account.as_ref().unwrap();
        assert_eq!(foo.base_url, "https://foo.example.com");
        assert!(foo.credential_placement.is_some());
        let openai = &request.accounts[1];
        assert!(
            openai
                .account
                .as_ref()
                .unwrap()
                .credential_placement
                .is_none()
        );
        assert_eq!(openai.limits[0].limit.as_ref().unwrap().amount, 60);
        assert_eq!(openai.keys[1].secret.as_ref().unwrap().value, "canary2");
        let pool = request.pools[1].pool.as_ref().unwrap();
        let interval = pool.rotation_policy.as_ref().unwrap().interval.unwrap();
        assert_eq!(interval.seconds, 86_400);
        assert!(!pool.health_policy.as_ref().unwrap().probe_enabled);
        assert_eq!(pool.members[1].tier, 2);
    }

    #[test]
    fn what_is_shown_has_no_secret() {
        let plan = plan::read(FILE.as_bytes(), &Options::default()).unwrap();
        let shown = output::to_json(&without_secrets(&plan)).unwrap();
        assert!(shown.contains("backup-1"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
