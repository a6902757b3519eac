use super::*;
use crate::proto::{ErrorReason, KeyObjection, LeaseRefusal, LimitDimension, SelectionStrategy};

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

fn key(name: &str) -> KeyExplanation {
    KeyExplanation {
        key: name.to_owned(),
        tier: 1,
        weight: 1,
        version: 3,
        ..Default::default()
    }
}

fn refused(name: &str, reason: RefusalReason, why: &str) -> KeyExplanation {
    KeyExplanation {
        reason: reason.into(),
        reasons: vec![why.to_owned()],
        ..key(name)
    }
}

fn answer(keys: Vec<KeyExplanation>) -> ExplainLeaseResponse {
    ExplainLeaseResponse {
        keys,
        caller: "callers/search".to_owned(),
        pool: "pools/p".to_owned(),
        explain_time: at(1_000),
        replica: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        strategy: SelectionStrategy::RoundRobin.into(),
        ..Default::default()
    }
}

#[test]
fn what_a_lease_would_get_comes_first_and_every_key_says_why() {
    let chosen = KeyExplanation {
        eligible: true,
        rank: 1,
        reasons: vec!["chosen: its turn in tier 1".to_owned()],
        ..key("accounts/a/keys/k")
    };
    let cooling = KeyExplanation {
        retry_time: at(1_090),
        ..refused("accounts/b/keys/k", RefusalReason::Cooling, "cooling: 429")
    };
    let text = within(
        &ExplainLeaseResponse {
            chosen: "accounts/a/keys/k".to_owned(),
            ..answer(vec![chosen, cooling])
        },
        80,
    );
    assert!(
        text.contains("the next lease gets accounts/a/keys/k"),
        "{text}"
    );
    assert!(text.contains("a/k: chosen: its turn in tier 1"), "{text}");
    assert!(text.contains("b/k: cooling: 429"), "{text}");
    assert!(text.contains("in 1 m"), "{text}");
    assert!(text.contains("1 key cooling down: wait;"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn a_remedy_is_told_once_however_many_keys_need_it() {
    let dead = |name| refused(name, RefusalReason::Dead, "dead: 401");
    let tampered = refused("", RefusalReason::Tampered, "not believed: edited");
    let sealed = refused(
        "accounts/d/keys/k",
        RefusalReason::Undecryptable,
        "undecryptable",
    );
    let keys = vec![
        dead("accounts/a/keys/k"),
        dead("accounts/b/keys/k"),
        tampered,
        sealed,
    ];
    let text = within(
        &ExplainLeaseResponse {
            reason: ErrorReason::KeysDead.into(),
            message: "no key can serve".to_owned(),
            ..answer(keys)
        },
        80,
    );
    assert!(
        text.contains("REFUSED KEYS_DEAD: no key can serve"),
        "{text}"
    );
    assert_eq!(text.matches("keylease keys rotate").count(), 1, "{text}");
    assert_eq!(text.matches("find who writes").count(), 1, "{text}");
    assert!(
        text.contains("2 keys dead (blacklisted): replace"),
        "{text}"
    );
}

#[test]
fn a_secret_that_does_not_open_is_no_tampering() {
    let why = "undecryptable: this replica lacks master key mk_0011223344556677";
    let sealed = refused("accounts/a/keys/k", RefusalReason::Undecryptable, why);
    let text = within(
        &ExplainLeaseResponse {
            reason: ErrorReason::KeysDistrusted.into(),
            refusal: Some(LeaseRefusal::default()),
            ..answer(vec![sealed])
        },
        300,
    );
    assert!(text.contains("add a missing master key"), "{text}");
    assert!(!text.contains("find who writes"), "{text}");
}

#[test]
fn what_is_disabled_is_enabled_by_its_own_verb() {
    let disabled = KeyExplanation {
        objections: vec![KeyObjection {
            reason: RefusalReason::Disabled.into(),
            resource: "accounts/openai/keys/main".to_owned(),
            ..Default::default()
        }],
        ..refused(
            "accounts/openai/keys/main",
            RefusalReason::Disabled,
            "disabled: rest",
        )
    };
    let text = within(
        &ExplainLeaseResponse {
            reason: ErrorReason::PoolDisabled.into(),
            refusal: Some(LeaseRefusal::default()),
            ..answer(vec![disabled])
        },
        300,
    );
    assert!(
        text.contains("`keylease keys enable openai/main`"),
        "{text}"
    );
    assert!(!text.contains("pools enable"), "{text}");
}

#[test]
fn a_pool_that_is_disabled_is_enabled_besides_its_keys() {
    let disabled = refused("accounts/a/keys/k", RefusalReason::Disabled, "disabled");
    let text = within(
        &ExplainLeaseResponse {
            reason: ErrorReason::PoolDisabled.into(),
            ..answer(vec![disabled])
        },
        300,
    );
    assert!(text.contains("`keylease pools enable p`"), "{text}");
}

#[test]
fn who_leases_nothing_is_told_so_before_what_others_would_get() {
    let chosen = KeyExplanation {
        eligible: true,
        rank: 1,
        ..key("accounts/a/keys/k")
    };
    let text = within(
        &ExplainLeaseResponse {
            reason: ErrorReason::PoolDenied.into(),
            message: "the caller has no grant".to_owned(),
            ..answer(vec![chosen])
        },
        300,
    );
    let second = text.lines().nth(1).unwrap_or_default();
    assert!(second.contains("callers/search leases nothing"), "{text}");
    assert!(second.contains("--caller NAME"), "{text}");
}

#[test]
fn a_limit_that_is_free_after_the_longest_wait_is_not_waited_for() {
    let text = |free: i64| {
        let key = KeyExplanation {
            retry_time: at(free),
            ..refused("accounts/a/keys/k", RefusalReason::Limit, "at a limit")
        };
        within(&answer(vec![key]), 300)
    };
    assert!(text(1_030).contains("wait with --max-wait"));
    assert!(text(9_000).contains("lease again when it is free"));
}

#[test]
fn limits_say_what_is_needed_held_and_left_and_shadows_are_told_apart() {
    let limit = |mode: LimitMode, over: bool| LimitExplanation {
        limit: "accounts/a/limits/rpm".to_owned(),
        dimension: LimitDimension::Requests.into(),
        amount: 600,
        mode: mode.into(),
        needed: 1,
        at_hand: 7,
        remaining: Some(593),
        shadow_over: over,
        slot_left: over.then_some(4),
        ..Default::default()
    };
    let limits = vec![
        limit(LimitMode::Enforce, false),
        limit(LimitMode::Shadow, true),
    ];
    let text = within(
        &ExplainLeaseResponse {
            limits,
            ..answer(vec![])
        },
        80,
    );
    assert!(text.contains("a/rpm  allows"), "{text}");
    assert!(text.contains("shadow, over"), "{text}");
    assert!(text.contains("would serve 4 more units"), "{text}");
}

#[test]
fn words_of_others_cannot_write_to_the_terminal() {
    let keys = vec![refused(
        "accounts/a/keys/k",
        RefusalReason::Disabled,
        "\u{1b}[2J",
    )];
    assert!(!within(&answer(keys), 80).contains('\u{1b}'));
}
