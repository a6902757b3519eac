//! What a replica says to its database, and hears: all that is asked for is granted, since what is kept of it is what matters here.

use keylease::domain::ledger::entry::Seen;
use keylease::domain::ledger::work::{Answer, Wait, Work};
use keylease::domain::spend::Day;
use keylease::domain::time::BootTime;
use keylease::live::account::AccountLive;
use keylease::live::snapshot::Snapshot;

use super::fleet::Fleet;

/// What there is to say about permits.
pub(super) fn speak(fleet: &Fleet, snapshot: &Snapshot) {
    let now = fleet.now().boot;
    for (account, work) in fleet.live.ledger.gather(now) {
        let answer = answer(snapshot, &account, &work, now);
        account.with_budget(|budget| {
            budget.said(&work);
            match answer {
                Some(answer) => budget.answered(work.limit, &answer, now),
                None if work.ask.is_some() => budget.unsaid(&work, true, now),
                None => {}
            }
        });
    }
}

fn answer(
    snapshot: &Snapshot,
    account: &AccountLive,
    work: &Work,
    now: BootTime,
) -> Option<Answer> {
    let ask = work.ask?;
    let entry = snapshot.accounts.get(&account.uid())?;
    let limit = entry.limits.iter().find(|limit| limit.uid == work.limit)?;
    Some(Answer {
        block: ask.block,
        units: ask.ask.want,
        within: ask.ask.want,
        unasked_over: 0,
        sent: now,
        terms: limit.terms(),
        last: Seen::NONE,
        largest_clears_at: BootTime::default(),
        is_kept: false,
        is_raised: false,
        wait: Wait::default(),
    })
}

/// What goes to the database in the end.
pub(super) fn flush(fleet: &Fleet) {
    drop(fleet.live.outbox.take());
    let today = Day::of(fleet.now().database);
    let writing = async {
        let mut writing = fleet.live.spend.writing().await;
        while writing.next(today).is_some() {
            writing.written();
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(writing);
}
