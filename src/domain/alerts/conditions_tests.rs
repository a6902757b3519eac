use super::super::example::{at, died, id, key, of_keys, of_pools, opened, pool, told};
use super::super::view::{LimitFact, ModelOut, QuotaFact};
use super::super::{Kind, Severity};
use super::*;
use crate::domain::incident::{IncidentKind, Subject};

#[test]
fn a_dead_key_is_told_by_name_and_version_with_until_and_what_to_do() {
    let found = conditions(
        &of_keys(vec![key("a", "k", died())]),
        &HashSet::new(),
        at(0),
    );
    let [found] = &found[..] else {
        panic!("{found:?}");
    };
    let condition = &found.condition;
    assert_eq!(condition.name.resource, "accounts/a/keys/k/versions/3");
    assert!(condition.summary.contains("dead (credential)"));
    assert!(condition.summary.contains("1970-01-01T00:16:40Z"));
    assert!(condition.remedy.contains("keylease keys rotate a/k"));
    assert_eq!(condition.until, Some(at(1_000)));
    assert_eq!(condition.name.kind.severity(), Severity::Warning);
}

#[test]
fn a_key_that_cannot_be_used_from_here_is_told_with_what_to_do() {
    let view = of_keys(vec![key("a", "k", Fact::Barred)]);
    let found = conditions(&view, &HashSet::new(), at(0));
    let [found] = &found[..] else {
        panic!("{found:?}");
    };
    let condition = &found.condition;
    assert!(found.opens && condition.name.kind == Kind::KeyBarred);
    assert_eq!(condition.name.resource, "accounts/a/keys/k/versions/3");
    assert!(condition.remedy.contains("keylease keys disable a/k"));
}

#[test]
fn a_spent_quota_is_told_by_account_and_models_with_until() {
    let of = |models: &[&str]| {
        let quota = QuotaFact {
            account: id("a"),
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            until: at(9_000),
        };
        let view = View {
            quotas: vec![quota],
            ..View::default()
        };
        let found = conditions(&view, &HashSet::new(), at(0)).remove(0);
        assert!(found.opens && found.condition.name.kind == Kind::QuotaSpent);
        assert_eq!(found.condition.name.resource, "accounts/a");
        assert_eq!(found.condition.until, Some(at(9_000)));
        found.condition.summary
    };
    assert!(of(&[]).contains("has spent a quota, as its provider says"));
    assert!(of(&["m", "n"]).contains("for model m and 1 more"));
}

#[test]
fn a_pool_is_told_when_its_last_key_is_left_and_when_none_is() {
    assert_eq!(told(&of_pools(vec![pool(3, 2)]), &HashSet::new()).0, []);
    // A pool of one key has always had one.
    assert_eq!(told(&of_pools(vec![pool(1, 1)]), &HashSet::new()).0, []);
    assert_eq!(told(&of_pools(vec![pool(0, 0)]), &HashSet::new()).0, []);
    let last = of_pools(vec![pool(3, 1)]);
    assert_eq!(told(&last, &HashSet::new()).0, [Kind::LastHealthyKey]);
    // What is worse does not end what is less bad.
    let exhausted = of_pools(vec![pool(3, 0)]);
    assert_eq!(told(&exhausted, &HashSet::new()).0, [Kind::PoolExhausted]);
    let (opening, lasting) = told(&exhausted, &opened(&last));
    assert_eq!(
        (opening, lasting),
        (vec![Kind::PoolExhausted], vec![Kind::LastHealthyKey])
    );
}

#[test]
fn a_pool_that_is_back_in_a_moment_is_not_told_of() {
    let back = |serves_at, due| {
        of_pools(vec![PoolFact {
            serves_at,
            due,
            ..pool(1, 0)
        }])
    };
    let (brief, for_ever) = (back(Some(at(9)), 0), back(None, 0));
    assert_eq!(told(&brief, &HashSet::new()).0, []);
    assert_eq!(told(&for_ever, &HashSet::new()).0, [Kind::PoolExhausted]);
    // Nor does its end come early: it is open until a key serves, be it for a canary.
    let open = opened(&for_ever);
    assert_eq!(told(&brief, &open).1, [Kind::PoolExhausted]);
    assert_eq!(told(&back(Some(at(0)), 1), &open), (vec![], vec![]));
}

#[test]
fn a_pool_whose_limits_are_spent_is_exhausted_though_its_keys_are_well() {
    let spent = PoolFact {
        spent: 2,
        healthy_min: Some(2),
        ..pool(2, 0)
    };
    let view = of_pools(vec![PoolFact { dead: 0, ..spent }]);
    assert_eq!(told(&view, &HashSet::new()).0, [Kind::PoolExhausted]);
    let found = conditions(&view, &HashSet::new(), at(0));
    let summary = &found[0].condition.summary;
    assert!(
        summary.contains("of 2 keys 2 out of a limit of their account; the first may at"),
        "{summary}"
    );
}

#[test]
fn a_pool_that_can_serve_one_model_no_more_is_told_with_the_model_and_until_when() {
    let out = |model: Option<&str>, seconds: Option<i64>| ModelOut {
        model: model.map(str::to_owned),
        serves_at: seconds.map(at),
    };
    let of = |models_out| {
        of_pools(vec![PoolFact {
            models_out,
            ..pool(2, 2)
        }])
    };
    let brief = of(vec![out(Some("m"), Some(9))]);
    assert_eq!(told(&brief, &HashSet::new()).0, []);
    let long = of(vec![out(Some("m"), Some(9_000)), out(None, Some(9))]);
    let found = conditions(&long, &HashSet::new(), at(0));
    let [found] = &found[..] else {
        panic!("{found:?}");
    };
    let condition = &found.condition;
    assert!(found.opens && condition.name.kind == Kind::PoolExhausted);
    assert_eq!(condition.until, Some(at(9_000)));
    let summary = &condition.summary;
    assert!(
        summary.contains("can serve model m (nor 1 more)") && summary.contains("T02:30:00Z"),
        "{summary}"
    );
    // It stays open until the model is back, and is the pool's where nothing serves any more.
    assert_eq!(told(&brief, &opened(&long)).1, [Kind::PoolExhausted]);
    let all = of_pools(vec![PoolFact {
        models_out: vec![out(Some("m"), Some(9_000))],
        ..pool(2, 0)
    }]);
    assert_eq!(told(&all, &HashSet::new()).0, [Kind::PoolExhausted]);
}

#[test]
fn fewer_healthy_keys_than_wanted_are_told_where_a_policy_wants_some() {
    let wanting = |healthy| PoolFact {
        healthy_min: Some(3),
        ..pool(5, healthy)
    };
    assert_eq!(told(&of_pools(vec![wanting(3)]), &HashSet::new()).0, []);
    let few = of_pools(vec![wanting(2)]);
    assert_eq!(told(&few, &HashSet::new()).0, [Kind::FewHealthyKeys]);
    assert_eq!(
        told(&of_pools(vec![wanting(0)]), &opened(&few)).1,
        [Kind::FewHealthyKeys]
    );
}

#[test]
fn a_rotation_is_due_before_it_is_overdue_and_stays_due_then() {
    let due = of_keys(vec![key("a", "k", Fact::Rotates(at(10)))]);
    let overdue = of_keys(vec![key("a", "k", Fact::Rotates(at(0)))]);
    assert_eq!(told(&due, &HashSet::new()).0, [Kind::RotationDue]);
    let (opening, lasting) = told(&overdue, &opened(&due));
    assert_eq!(
        (opening, lasting),
        (vec![Kind::RotationOverdue], vec![Kind::RotationDue])
    );
    assert_eq!(told(&overdue, &HashSet::new()).0, [Kind::RotationOverdue]);
}

#[test]
fn a_limit_that_the_provider_states_otherwise_is_told_with_both() {
    let view = View {
        limits: vec![LimitFact {
            account: id("a"),
            limit: id("rpm"),
            configured: 500,
            stated: 60,
        }],
        ..View::default()
    };
    let found = conditions(&view, &HashSet::new(), at(0));
    assert_eq!(found[0].condition.name.resource, "accounts/a/limits/rpm");
    let summary = &found[0].condition.summary;
    assert!(
        summary.contains("is 500, and the provider states 60"),
        "{summary}"
    );
}

#[test]
fn what_befalls_many_keys_is_one_alert_of_its_provider_or_pool() {
    let incident = |kind, subject: &Subject| Ongoing {
        kind,
        subject: subject.clone(),
        since: at(1),
        until: at(60),
        why: "5 of 6 answers were 503".to_owned(),
        strikes: 1,
    };
    let provider = Subject::Provider {
        profile: "openai",
        host: "api.openai.com".to_owned(),
    };
    let view = View {
        incidents: vec![
            incident(IncidentKind::Breaker, &provider),
            incident(IncidentKind::Egress, &provider),
            incident(IncidentKind::Brake, &Subject::Pool(id("p"))),
        ],
        ..View::default()
    };
    let found = conditions(&view, &HashSet::new(), at(0));
    let named: Vec<_> = found.iter().map(|f| &*f.condition.name.resource).collect();
    assert_eq!(named, ["pools/p", "providers/api.openai.com"]);
    let summary = &found[1].condition.summary;
    assert!(summary.contains("the next at") && summary.contains("refuses where we come from"));
    assert_eq!(found[0].condition.name.kind.severity(), Severity::Critical);
}

#[test]
fn rows_that_are_not_believed_are_told_by_kind() {
    let view = View {
        rows: vec![("pool_member", 2), ("key", 0)],
        ..View::default()
    };
    let found = conditions(&view, &HashSet::new(), at(0));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].condition.name.resource, "pool-member");
}

#[test]
fn a_key_of_a_braked_pool_is_told_under_the_pool() {
    let braked = KeyFact {
        is_braked: true,
        ..key("a", "k", died())
    };
    let before = opened(&of_keys(vec![key("a", "k", died())]));
    assert_eq!(told(&of_keys(vec![braked.clone()]), &HashSet::new()).0, []);
    assert_eq!(told(&of_keys(vec![braked]), &before).1, [Kind::KeyDied]);
}
