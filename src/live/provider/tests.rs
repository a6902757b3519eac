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
