//! What may be lost is little, and what is held back for that is not held back for long.

use super::*;
use crate::domain::ledger::entry::tests::{A, DAY, ask, at, entry};
use crate::domain::ledger::entry::{Asker, Seen};
use crate::domain::ledger::loss::{Aftermath, Loss, Most};
use crate::domain::ledger::page::{Charged, Free, Page, Terming};
use crate::domain::ledger::work::{NumberedAsk, Work};
use crate::domain::ledger::{clock::Believed, grant::Urgency};
use crate::domain::limit::Mode;
use crate::domain::offline::Plan;
use crate::domain::terms::{Span, Terms};
use crate::domain::time::BootTime;
use uuid::Uuid;

const TEN: Duration = Duration::from_secs(10);
const ANEW: Duration = Duration::from_millis(10_500);
/// Who is known for long; a share of 6,400 is 100.
const KNOWN: Losable = Losable {
    within: TEN,
    newcomer_for: Duration::ZERO,
};
const NEW: Losable = Losable {
    newcomer_for: TEN,
    ..KNOWN
};

/// An ask for so much of 6,400 at this second, by a replica alone: what is granted, and for how long it is held back.
fn asked(entry: &mut Entry, need: u64, losable: Losable, second: i64) -> (u64, Option<Duration>) {
    of_terms(&DAY, entry, need, losable, second)
}

fn of_terms(
    terms: &Terms,
    entry: &mut Entry,
    need: u64,
    losable: Losable,
    second: i64,
) -> (u64, Option<Duration>) {
    let work = Work {
        ask: Some(NumberedAsk {
            block: 1,
            ask: Ask {
                want: need * 3,
                urgency: Urgency::Lacking,
                ..ask(need)
            },
        }),
        ..Work::silent(Uuid::nil())
    };
    let terming = Terming {
        amount: 6_400,
        mode: Mode::Enforce,
        terms: *terms,
        offline: Plan::none(terms),
        now: at(second),
    };
    let asker = Asker {
        boot_id: A,
        live: 1,
        loss: Loss::default(),
        losable,
    };
    let mut page = Page::new(&work, *entry, Some(terming));
    page.turn(&asker, Believed::exactly(at(second)), Uuid::nil);
    let granted = page.decide(&asker, Charged::NONE);
    *entry = page.entry;
    let now = BootTime::default();
    let wait = page.answer(Free::default(), now, now).unwrap().wait;
    let told = wait.clears_at.since(now).saturating_sub(terms.lead());
    let units = granted.map_or(0, |block| block.units);
    (units, (units == 0).then_some(told))
}

#[test]
fn a_need_larger_than_any_before_is_granted_once_the_database_cannot_have_forgotten_of_it() {
    let mut entry = entry();
    assert_eq!(asked(&mut entry, 100, KNOWN, 1_000).0, 100, "a share");
    // Nobody knows yet when this will be committed.
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_001), (0, Some(ANEW)));
    assert_eq!(entry.lately.raise.map(|raise| raise.since), Some(None));
    // It is when it is seen.
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_003), (0, Some(TEN)));
    assert_eq!(asked(&mut entry, 1, KNOWN, 1_005).0, 3);
    let left = Duration::from_secs(3);
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_010), (0, Some(left)));
    // Nor can what is larger still be granted before it is known itself.
    let (none, told) = asked(&mut entry, 3_001, KNOWN, 1_010);
    assert_eq!((none, told), (0, Some(left + ANEW)));
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_013).0, 3_000);
    assert_eq!((entry.block_units_max, entry.lately.raise), (3_000, None));
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_014).0, 3_000);
}

#[test]
fn what_nobody_uses_is_not_raised_for_ever_and_counts_as_lost_until_then() {
    let mut entry = entry();
    asked(&mut entry, 3_000, KNOWN, 1_000);
    let lost = |entry: &Entry| {
        let loss = Loss {
            incarnation: 2,
            replicas: 1,
            periods: 0,
        };
        let mut entry = *entry;
        entry.notice(loss, (Seen::NONE, Most::NONE), 6_400, &DAY)
    };
    // One that it had heard of, and those that it had not.
    assert_eq!(lost(&entry), Some(Aftermath::Charged(6_000)));
    asked(&mut entry, 1, KNOWN, 1_001);
    asked(&mut entry, 1, KNOWN, 1_070);
    assert_eq!(lost(&entry), Some(Aftermath::Charged(6_000)));
    asked(&mut entry, 1, KNOWN, 1_071);
    assert_eq!(entry.lately.raise, None);
    assert_eq!(lost(&entry), Some(Aftermath::Charged(200)));
}

#[test]
fn however_many_have_just_come_they_are_granted_the_share_of_one() {
    let mut entry = entry();
    // It likes three times as much.
    assert_eq!(asked(&mut entry, 30, NEW, 1_000).0, 90);
    assert_eq!(
        asked(&mut entry, 11, NEW, 1_004).1,
        Some(TEN - Duration::from_secs(4))
    );
    assert_eq!(asked(&mut entry, 5, NEW, 1_004).0, 10);
    let soon = Losable {
        newcomer_for: Duration::from_secs(2),
        ..NEW
    };
    assert_eq!(asked(&mut entry, 1, soon, 1_004).1, Some(soon.newcomer_for));
    assert_eq!(
        asked(&mut entry, 30, KNOWN, 1_004).0,
        90,
        "who is known has its own"
    );
    assert_eq!(asked(&mut entry, 60, NEW, 1_010).0, 100, "the next period");
    // A block that may be that large is for who is known.
    entry.block_units_max = 3_000;
    assert_eq!(asked(&mut entry, 3_000, NEW, 1_030).1, Some(TEN));
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_030).0, 3_000);
}

#[test]
fn nothing_is_held_back_where_nothing_is_lost_or_where_what_is_lost_is_frozen_for() {
    let minute = Terms {
        span: Span::Rolling(Duration::from_mins(1)),
        ..DAY
    };
    for (terms, losable) in [(DAY, Losable::default()), (minute, NEW)] {
        let mut entry = entry();
        assert_eq!(of_terms(&terms, &mut entry, 3_000, losable, 1_000).0, 3_200);
        assert_eq!(entry.lately, Lately::default());
    }
}
