//! Tests of `egress.rs`.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_000_000_000 + seconds * 1_000_000)
}

fn sight(caller: u128, version: u128, given: i64) -> Sight {
    Sight {
        caller: Uuid::from_u128(caller),
        version: Uuid::from_u128(version),
        given: at(given),
    }
}

fn refuse(egress: &mut Egress, caller: u128, version: u128, seconds: i64) -> Option<Incident> {
    let sight = sight(caller, version, seconds);
    let why = "http 403, waf";
    egress.on(Event::Refused { sight, why }, at(seconds))
}

#[test]
fn one_key_alone_makes_a_suspicion_where_no_other_is_in_use_and_it_meets_it_often() {
    let refusals = |egress: &mut Egress| (0..8).find(|n| refuse(egress, 1, 1, *n).is_some());
    let mut egress = Egress::default();
    assert_eq!(refusals(&mut egress), None);
    egress.used(true);
    assert!(refuse(&mut egress, 1, 1, 8).is_some());
    let mut egress = Egress::default();
    egress.used(true);
    assert_eq!(refusals(&mut egress), Some(5));
    assert!(egress.is_suspected(Uuid::from_u128(1), at(6)));
}

#[test]
fn a_key_that_alone_is_refused_while_others_succeed_is_barred_until_it_succeeds() {
    let mut egress = Egress::default();
    let version = Uuid::from_u128(7);
    for second in 0..10 {
        refuse(&mut egress, 1, 7, second * 100);
        assert!(!egress.is_barred(version, at(second * 100)));
    }
    // Version 1 succeeds.
    succeed(&mut egress, 1, 1_000);
    assert!(egress.is_barred(version, at(1_001)));
    assert!(egress.is_barred(version, at(4_499)));
    assert!(!egress.is_barred(version, at(4_500)));
    assert!(!egress.is_barred(Uuid::from_u128(1), at(1_001)));
    let own = Event::Succeeded(sight(1, 7, 1_002));
    egress.on(own, at(1_002));
    assert!(!egress.is_barred(version, at(1_003)));
    for key in 100..1_000 {
        refuse(&mut egress, 1, key, 2_000);
    }
    assert_eq!(egress.barred.len(), BARRED_MAX);
}

fn succeed(egress: &mut Egress, caller: u128, seconds: i64) -> Option<Incident> {
    egress.on(Event::Succeeded(sight(caller, 1, seconds)), at(seconds))
}

#[test]
fn refusals_of_several_keys_within_a_minute_make_a_suspicion() {
    let mut egress = Egress::default();
    for seconds in 0..20 {
        assert_eq!(refuse(&mut egress, 1, 1, seconds), None, "one key alone");
    }
    let news = refuse(&mut egress, 1, 2, 20).unwrap();
    assert_eq!(news.until, at(20 + 300));
    assert!(egress.is_suspected(Uuid::from_u128(1), at(319)));
    assert!(!egress.is_suspected(Uuid::from_u128(2), at(21)));
    assert!(egress.suspicion(at(320)).is_none());
    // A minute apart is no matter of one.
    let mut egress = Egress::default();
    for round in 0..10 {
        assert_eq!(
            refuse(&mut egress, 1, round, i64::try_from(round).unwrap() * 31),
            None
        );
    }
}

#[test]
fn a_throttled_way_stays_suspected_and_a_free_one_does_not() {
    let mut egress = Egress::default();
    let mut news = 0;
    for seconds in 0..600 {
        if seconds % 3 == 0 {
            news += u32::from(refuse(&mut egress, 1, seconds as u128 % 5, seconds).is_some());
        } else {
            assert_eq!(succeed(&mut egress, 1, seconds), None);
        }
        assert!(
            seconds < 9 || egress.suspicion(at(seconds)).is_some(),
            "{seconds}"
        );
    }
    assert!(news <= 11, "{news} commits in ten minutes");
    // Another's success says nothing of a way that is not its own.
    assert_eq!(succeed(&mut egress, 2, 640), None);
    let ended = succeed(&mut egress, 1, 641).unwrap();
    assert_eq!(ended.ended, Some(at(641)));
    assert!(egress.suspicion(at(641)).is_none());
}

#[test]
fn a_crowd_behind_a_barred_way_is_no_crowd_of_commits() {
    let mut egress = Egress::default();
    let refusals = (0..600_i64).filter_map(|n| refuse(&mut egress, n as u128 % 40, 7, n / 10));
    assert_eq!(refusals.count(), 0, "one key alone");
    let mut news = 0;
    for n in 600..1_200_i64 {
        let (caller, version) = (n as u128 % 40, n as u128 % 5);
        news += u32::from(refuse(&mut egress, caller, version, n / 10).is_some());
    }
    assert!(news <= 17 + 1, "{news} commits in a minute");
    assert!(egress.suspicion(at(120)).is_some());
}

#[test]
fn refusals_without_end_fill_no_memory() {
    let mut egress = Egress::default();
    for n in 0..10_000_u32 {
        refuse(&mut egress, n.into(), n.into(), 1);
    }
    assert!(egress.refusals.len() <= REFUSALS_MAX);
}
