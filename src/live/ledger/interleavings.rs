//! Every order in which callers and the worker of the ledger can do what they do: nothing that was taken and noted is overlooked,
//! whoever stands in line is woken, and no permit is handed out twice.

use std::task::{Context, Waker};
use std::time::Duration;

use loom::thread;
use uuid::Uuid;

use super::*;
use crate::domain::id::Id;
use crate::domain::ledger::budget::{Need, Take};
use crate::domain::ledger::entry::Seen;
use crate::domain::ledger::work::{Answer, Wait};
use crate::domain::limit::{Dimension, Limit, Mode, Owner};
use crate::domain::pool::Estimate;
use crate::domain::terms::Span;
use crate::domain::time::Timestamp;
use crate::live::account::Asking;
use crate::live::line::{Line, Waiting};
use crate::live::pool::PoolLive;
use crate::live::saying::take_in;
use crate::live::sync::planted;

fn limit() -> Arc<Limit> {
    Arc::new(Limit {
        uid: Uuid::from_u128(1),
        rev: 1,
        owner: Owner::Account(Uuid::from_u128(9)),
        id: Id::parse("id", "rpm").unwrap(),
        create_time: Timestamp::from_micros(0),
        update_time: Timestamp::from_micros(0),
        dimension: Dimension::Requests,
        // A long window is granted a 64th at a time.
        amount: 128,
        // Longer than a model takes.
        span: Span::Rolling(Duration::from_hours(24)),
        mode: Mode::Enforce,
        models: Vec::new(),
        validity: Some(Duration::from_hours(1)),
        start_within: None,
        blackout: None,
        offline: None,
    })
}

const fn need(ticket: Option<u64>) -> Need<'static> {
    Need {
        model: None,
        uses: 1,
        estimate: Estimate {
            input_tokens: 0,
            output_tokens: 0,
            cost_micros: None,
        },
        is_new: ticket.is_none(),
        ticket,
        is_patient: true,
        until: BootTime::from_nanos(u64::MAX),
        lease_duration: Duration::from_mins(10),
        slot: None,
    }
}

/// A ledger, and an account that it has been told to look at.
fn noted() -> (Arc<Ledger>, Arc<AccountLive>) {
    let (ledger, account) = (Ledger::default(), AccountLive::new(Uuid::from_u128(9)));
    account.with_budget(|budget| budget.reconfigure(&[limit()]));
    let account = Arc::new(account);
    ledger.note(std::slice::from_ref(&account));
    (Arc::new(ledger), account)
}

fn is_taken(account: &AccountLive, ticket: Option<u64>) -> bool {
    let take = account.take(need(ticket), Asking::NOBODY, boot_now(), |_| {});
    matches!(take, Ok(Take::Taken(_)))
}

/// The database grants all that is asked for.
fn grant(said: Vec<Said>) {
    let answer = |work: &Work| {
        let asked = work.ask?;
        Some(Answer {
            block: asked.block,
            units: asked.ask.want,
            within: asked.ask.want,
            unasked_over: 0,
            sent: boot_now(),
            terms: limit().terms(),
            last: Seen::NONE,
            wait: Wait::default(),
            largest_clears_at: BootTime::default(),
            is_kept: false,
            is_raised: false,
        })
    };
    let answers: Vec<_> = said
        .iter()
        .map(|(_, work)| (work.limit, answer(work)))
        .collect();
    take_in(said, &answers, boot_now());
}

/// Calls that find nothing at hand, while the worker looks.
fn overlooks_nothing(callers: usize) {
    loom::model(move || {
        let (ledger, account) = noted();
        let call = |_| {
            let (ledger, account) = (Arc::clone(&ledger), Arc::clone(&account));
            thread::spawn(move || {
                assert!(!is_taken(&account, None));
                ledger.ask(&[account]);
            })
        };
        let calls: Vec<_> = (0..callers).map(call).collect();
        let mut said = ledger.gather(boot_now());
        calls.into_iter().for_each(|call| call.join().unwrap());
        said.extend(ledger.gather(boot_now()));
        assert_eq!(said.len(), 1, "a need is asked for once");
        assert!(!ledger.is_idle(), "what has no answer is looked at again");
    });
}

#[test]
fn what_is_taken_and_noted_while_the_worker_looks_is_not_overlooked() {
    overlooks_nothing(1);
    overlooks_nothing(2);
}

#[test]
#[should_panic(expected = "a need is asked for once")]
fn a_note_that_is_struck_out_only_after_the_look_is_seen() {
    planted(|| overlooks_nothing(1));
}

/// A call goes to sleep in line while the answer to its need comes.
fn wakes(tries_again: bool) {
    loom::model(move || {
        let (ledger, account) = noted();
        assert!(!is_taken(&account, None));
        let said = ledger.gather(boot_now());
        let caller = {
            let account = Arc::clone(&account);
            thread::spawn(move || sleeps(&account, tries_again))
        };
        grant(said);
        if let Some(waiting) = caller.join().unwrap() {
            assert!(is_woken(&waiting), "nobody woke who stands in line");
            assert!(is_taken(&account, Some(waiting.ticket())));
        }
    });
}

/// A call that has to wait, if it has to.
fn sleeps(account: &Arc<AccountLive>, tries_again: bool) -> Option<Waiting> {
    let id = Id::parse("id", "p").unwrap();
    let waiting = Line::default().join(&Arc::new(PoolLive::new(&id)), true);
    let mut waiting = waiting.unwrap();
    loop {
        if is_taken(account, Some(waiting.ticket())) {
            return None;
        }
        let is_new = waiting.stand(std::slice::from_ref(account));
        if !(is_new && tries_again) {
            return Some(waiting);
        }
    }
}

fn is_woken(waiting: &Waiting) -> bool {
    let woken = std::pin::pin!(waiting.woken());
    woken
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[test]
fn whoever_stands_in_line_is_woken_by_the_answer() {
    wakes(true);
}

#[test]
#[should_panic(expected = "nobody woke who stands in line")]
fn a_call_that_does_not_try_again_once_it_stands_in_line_is_seen() {
    wakes(false);
}

#[test]
fn a_permit_is_handed_out_once() {
    loom::model(|| {
        let (ledger, account) = noted();
        assert!(!is_taken(&account, None));
        grant(ledger.gather(boot_now()));
        let left = account.with_budget_quietly(|budget| budget.available(limit().uid));
        assert_eq!(left, 2, "demand of one, and the one who asked");
        let take = |_| {
            let account = Arc::clone(&account);
            thread::spawn(move || u64::from(is_taken(&account, None)))
        };
        let takes: Vec<_> = (0..2).map(take).collect();
        let mut taken = u64::from(is_taken(&account, None));
        let look = ledger.gather(boot_now());
        taken += takes.into_iter().map(|t| t.join().unwrap()).sum::<u64>();
        assert_eq!(taken, 2);
        drop(look);
    });
}
