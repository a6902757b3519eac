//! Tests of `provider.rs`.

use super::*;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn provider() -> ProviderLive {
    ProviderLive::new(Place {
        profile: "openai",
        host: "api.openai.com".to_owned(),
    })
}

/// An outage that ended after ten seconds.
fn ended() -> Incident {
    Incident {
        since: at(0),
        until: at(5_000_000),
        ended: Some(at(10_000_000)),
        why: String::new(),
        strikes: 1,
        accusers: Vec::new(),
    }
}

fn sight(caller: u128, version: u128) -> Sight {
    Sight {
        caller: Uuid::from_u128(caller),
        version: Uuid::from_u128(version),
        given: at(0),
    }
}

#[test]
fn what_is_not_committed_is_said_again_and_not_overruled() {
    let provider = provider();
    for n in 0..10 {
        provider.failed(sight(n % 2, n), None, "http 503", at(1));
    }
    let [(kind, news)] = provider.unsaved().try_into().unwrap();
    assert_eq!(kind, IncidentKind::Breaker);
    assert_eq!(
        provider.passage(Uuid::nil(), at(2)),
        Passage::Shut(news.until)
    );
    let ended = Incident {
        ended: Some(at(2)),
        ..news.clone()
    };
    provider.told(kind, &ended, at(2));
    assert_eq!(provider.unsaved(), [(kind, news.clone())]);
    // What was said meanwhile counts once it is committed: nobody says it again.
    provider.saved(kind, &news, &news, at(2));
    assert_eq!(provider.unsaved(), []);
    assert_eq!(provider.passage(Uuid::nil(), at(3)), Passage::Free);
}

#[test]
fn only_the_trial_that_is_out_is_taken_back() {
    let provider = provider();
    provider.tried(at(10));
    // An older lease, and one that was given while the provider was thought well, are none.
    assert!(!provider.take_trial(at(9)) && !provider.take_trial(at(11)));
    assert!(provider.is_trial_out(at(10)));
    assert!(provider.take_trial(at(10)));
    assert!(!provider.take_trial(at(10)));
}

#[test]
fn a_provider_that_was_found_well_takes_its_leases_back_little_by_little() {
    let provider = provider();
    let now = at(10_000_000);
    assert!(!provider.is_held_back(now));
    provider.told(IncidentKind::Breaker, &ended(), now);
    let taken = |turns: usize, now| (0..turns).filter(|_| !provider.is_held_back(now)).count();
    assert_eq!(taken(1, now), 1);
    assert_eq!(taken(160, now), 10);
    // What is said again begins nothing anew.
    provider.told(IncidentKind::Breaker, &ended(), now);
    let half = taken(160, at(15_000_000));
    assert!((80..=90).contains(&half), "{half}");
    assert_eq!(taken(160, at(20_000_000)), 160);
    assert_eq!(provider.grown(at(20_000_000)), None);
}

#[test]
fn a_look_at_a_provider_that_grows_back_takes_no_turn() {
    let provider = provider();
    assert_eq!(provider.grown(at(0)), None);
    let now = at(10_000_000);
    provider.told(IncidentKind::Breaker, &ended(), now);
    for _ in 0..20 {
        let grown = provider.grown(now).unwrap();
        assert_eq!((grown.percent, grown.until), (6, at(20_000_000)));
    }
    let taken = (0..16).filter(|_| !provider.is_held_back(now)).count();
    assert_eq!(taken, 1);
}

#[test]
fn several_keys_are_in_use_where_two_take_turns() {
    let provider = provider();
    let [one, two] = [1, 2].map(Uuid::from_u128);
    let minutes = |minutes: i64| at(minutes * 60_000_000);
    for _ in 0..3 {
        provider.used(one, minutes(1));
    }
    assert!(!provider.in_use.are_several(minutes(1)));
    provider.used(two, minutes(1));
    assert!(provider.in_use.are_several(minutes(2)));
    assert!(!provider.in_use.are_several(minutes(3)));
}
