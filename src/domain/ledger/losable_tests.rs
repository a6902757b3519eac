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
const ANEW: Duration = Duration::from_secs(11);
/// Who is known for long; a share of 6,400 is 100.
const KNOWN: Losable = Losable {
    within: TEN,
    newcomer_for: Duration::ZERO,
};
const NEW: Losable = Losable {
    newcomer_for: TEN,
    ..KNOWN
};

/// What time it is, and what was seen of that lately.
#[derive(Clone, Copy)]
struct Clocked {
    now: Timestamp,
    recent: Timestamp,
}

/// An ask for so much of 6,400 at this second, by a replica alone: what is granted, or else for how long it is held back.
fn asked(entry: &mut Entry, need: u64, losable: Losable, second: i64) -> (u64, Option<Duration>) {
    of_terms(&DAY, entry, Charged::NONE, need, losable, second)
}

fn of_terms(
    terms: &Terms,
    entry: &mut Entry,
    charged: Charged,
    need: u64,
    losable: Losable,
    second: i64,
) -> (u64, Option<Duration>) {
    let now = at(second);
    let time = Clocked { now, recent: now };
    clocked(terms, entry, charged, need, losable, time)
}

fn clocked(
    terms: &Terms,
    entry: &mut Entry,
    charged: Charged,
    need: u64,
    losable: Losable,
    time: Clocked,
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
        now: time.now,
    };
    let asker = Asker {
        boot_id: A,
        live: 1,
        loss: Loss::default(),
        losable,
    };
    let mut page = Page::new(&work, *entry, Some(terming));
    let believed = Believed {
        recent: time.recent.after(LEAD),
        ..Believed::exactly(time.now)
    };
    page.turn(&asker, believed, Uuid::nil);
    let granted = page.decide(&asker, charged);
    *entry = page.entry;
    let now = BootTime::default();
    let wait = page.answer(Free::default(), now, now).unwrap().wait;
    let told = wait.clears_at.since(now);
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
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_003), (0, Some(ANEW)));
    assert_eq!(asked(&mut entry, 1, KNOWN, 1_005).0, 3);
    let left = Duration::from_secs(4);
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_010), (0, Some(left)));
    // Nor can what is much larger be granted before that is known itself; what is somewhat larger can.
    assert_eq!(asked(&mut entry, 3_200, KNOWN, 1_010), (0, Some(left)));
    assert_eq!(
        asked(&mut entry, 3_201, KNOWN, 1_010),
        (0, Some(left + ANEW))
    );
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_014).0, 3_200);
    assert_eq!((entry.block_units_max, entry.lately.raise), (3_200, None));
    assert_eq!(asked(&mut entry, 3_200, KNOWN, 1_015).0, 3_200);
}

/// Needs that grow with every call would keep all others from what was raised.
#[test]
fn a_larger_need_takes_nothing_from_what_was_raised_and_the_last_is_n() {
    let mut entry = entry();
    for (second, need, raised) in [(1_000, 101, 200), (2_000, 201, 400), (3_000, 4_000, 6_400)] {
        asked(&mut entry, need, KNOWN, second);
        asked(&mut entry, need, KNOWN, second + 1);
        asked(&mut entry, 6_400, KNOWN, second + 12);
        assert_eq!(entry.block_units_max, raised);
        entry.lately.raise = None;
        assert_eq!(asked(&mut entry, need, KNOWN, second + 12).1, None);
    }
}

#[test]
fn what_is_raised_counts_as_lost_from_the_first_and_nothing_is_raised_to_what_has_no_room() {
    let lost = |entry: &Entry| {
        let loss = Loss {
            incarnation: 2,
            replicas: 1,
            periods: 0,
        };
        let mut entry = *entry;
        entry.notice(loss, (Seen::NONE, Most::NONE), 6_400, &DAY)
    };
    let charged = |units| Charged {
        units,
        ..Charged::NONE
    };
    let mut entry = entry();
    of_terms(&DAY, &mut entry, charged(6_000), 500, KNOWN, 1_000);
    // One that it had heard of, and those that it had not.
    assert_eq!(lost(&entry), Some(Aftermath::Charged(200)));
    for second in [1_000, 1_001, 1_011, 1_012] {
        of_terms(&DAY, &mut entry, charged(5_900), 500, KNOWN, second);
        assert_eq!(lost(&entry), Some(Aftermath::Charged(2 * 800)));
    }
}

#[test]
fn a_limit_that_listens_is_frozen_and_holds_nothing_back_for_longer() {
    let mut entry = entry();
    entry.frozen_until = Some(at(1_005));
    let (none, told) = asked(&mut entry, 3_000, NEW, 1_000);
    assert_eq!(none, 0);
    assert!(told < Some(DAY.lead() + Duration::from_secs(6)), "{told:?}");
    // It was raised meanwhile, but nobody has seen that.
    assert_eq!(asked(&mut entry, 3_000, KNOWN, 1_005), (0, Some(ANEW)));
}

/// The clock was set forward by an hour, of which whoever asks has seen nothing lately.
#[test]
fn what_was_seen_of_the_clock_lately_decides() {
    let mut entry = entry();
    asked(&mut entry, 3_000, KNOWN, 1_000);
    asked(&mut entry, 3_000, KNOWN, 1_001);
    let mut seen = |now, recent| {
        let time = Clocked {
            now: at(now),
            recent: at(recent),
        };
        clocked(&DAY, &mut entry, Charged::NONE, 3_000, KNOWN, time)
    };
    assert_eq!(seen(4_602, 1_002), (0, Some(Duration::from_secs(9) + LEAD)));
    // A replica that is new knows of no time since the limit was used last.
    assert_eq!(seen(1_003, 0), (0, Some(Duration::from_secs(12) + LEAD)));
}

#[test]
fn however_many_have_just_come_they_are_granted_the_share_of_one() {
    let mut entry = entry();
    // It likes three times as much.
    assert_eq!(asked(&mut entry, 30, NEW, 1_000).0, 90);
    assert_eq!(
        asked(&mut entry, 11, NEW, 1_004).1,
        Some(Duration::from_secs(7))
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
    assert_eq!(asked(&mut entry, 60, NEW, 1_011).0, 100, "the next period");
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
        assert_eq!(
            of_terms(&terms, &mut entry, Charged::NONE, 3_000, losable, 1_000).0,
            3_200
        );
        assert_eq!(entry.lately, Lately::default());
    }
}
