//! What time a transaction of the ledger takes it to be.

use crate::domain::ledger::clock::{Believed, Clocks};
use crate::domain::ledger::losable::{LEAD, Losable};
use crate::domain::ledger::page::Page;
use crate::domain::time::BootTime;
use crate::live::clock::LedgerClock;

/// What the time can be for a limit; a deleted one has no clock.
pub(super) fn believed(
    clock: &impl LedgerClock,
    page: &Page<'_>,
    losable: Losable,
    sent: BootTime,
) -> Believed {
    let Clocks { high, low } = page.entry.clocks;
    let stands = Believed {
        least: high,
        most: low,
        recent: low,
    };
    page.terming().map_or(stands, |terming| {
        let (limit, lead) = (page.work.limit, terming.terms.lead());
        let believed = clock.believed(limit, low, (page.reach(), lead), sent);
        if page.entry.lately.is_empty() {
            return believed;
        }
        // The lower clock may be ahead by the lead of the limit, and is all that a replica goes by that has just come.
        let low = low.before(lead.saturating_sub(LEAD));
        Believed {
            recent: clock.recent(limit, low, losable.reach(), sent),
            ..believed
        }
    })
}
