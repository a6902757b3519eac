//! However reports on a batch come, each of its uses counts once.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::*;

proptest! {
    #[test]
    fn each_use_counts_once(
        granted in 1..20_u32,
        told in prop::collection::vec((0..10_u32, 0..8_u32, prop::bool::weighted(0.1)), 0..40),
    ) {
        let (reports, now) = (Reports::default(), BootTime::from_nanos(1_000_000));
        let (mut counted, mut sequences, mut is_over) = (0, HashSet::new(), false);
        for (sequence, uses, is_final) in told {
            let entry = reports.enter(&Claimed {
                caller: uuid::Uuid::nil(),
                serial: 7,
                sequence,
                uses,
                granted,
                is_final,
                ending: Ending { is_sure: true, started_by: BootTime::default() },
                lasts: Duration::from_secs(60),
                renewed: None,
            }, now);
            match entry {
                Entry::New(ending) => {
                    prop_assert!(!is_over && sequences.insert(sequence));
                    counted += uses;
                    is_over = is_final || counted == granted;
                    prop_assert_eq!(ending.is_some(), is_over);
                    // Of a use that nobody reported nothing is known.
                    prop_assert_eq!(ending.is_some_and(|e| e.is_sure), is_over && counted == granted);
                }
                Entry::Duplicate => prop_assert!(sequences.contains(&sequence)),
                Entry::Exhausted => prop_assert!(is_over && !sequences.contains(&sequence)),
                Entry::TooMany(left) => prop_assert!(left == granted - counted && uses > left),
                Entry::Full | Entry::Forgotten => prop_assert!(false, "there is room"),
            }
            prop_assert!(counted <= granted);
            prop_assert_eq!(reports.left(7, granted), if is_over { 0 } else { granted - counted });
        }
    }
}
