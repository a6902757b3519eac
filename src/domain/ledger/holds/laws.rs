//! However reports, silence and renewals are mixed, a permit comes back once.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Event {
    Report(u64, u64),
    Silence,
    Renew(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0..4_u64, 1..4_u64).prop_map(|(lease, uses)| Event::Report(lease, uses)),
        1 => Just(Event::Silence),
        1 => (0..4_u64).prop_map(Event::Renew),
    ];
    prop::collection::vec(event, 0..40)
}

proptest! {
    #[test]
    fn a_permit_comes_back_once(events in events(), uses in 1..6_u64) {
        let draw = |ordinal| Draw { block: 3, units: 1, ordinal };
        let mut holds = Holds::default();
        let mut left: HashMap<u64, u64> = HashMap::new();
        for lease in 0..4 {
            holds.begin(draw(lease), uses, BootTime::from_nanos(100));
            left.insert(lease, uses);
        }
        let mut now = 50;
        for event in events {
            now += 5;
            match event {
                Event::Report(lease, uses) => {
                    let back = holds.report(draw(lease), uses).map_or(0, |back| back.units);
                    prop_assert_eq!(back, uses.min(left[&lease]));
                    left.insert(lease, left[&lease] - back);
                }
                Event::Silence => {
                    while let Some(((_, lease), back)) = holds.over(BootTime::from_nanos(now)) {
                        prop_assert_eq!(back.units, left[&lease]);
                        left.insert(lease, 0);
                    }
                }
                // What its lease holds still goes on, and nothing else is held for it.
                Event::Renew(lease) => {
                    let until = BootTime::from_nanos(now + 60);
                    let number = renewed_number(lease, 0);
                    let before = holds.renew(draw(lease), number, left[&lease], until);
                    prop_assert_eq!(before.map_or(0, |before| before.units), left[&lease]);
                }
            }
        }
        let mut held = left.values().sum::<u64>();
        while let Some((_, back)) = holds.over(BootTime::from_nanos(u64::MAX)) {
            held -= back.units;
        }
        prop_assert_eq!(held, 0);
        prop_assert!(holds.is_empty());
    }
}
