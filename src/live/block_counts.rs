//! What is counted about blocks of permits, by the ledger's worker.

use std::time::Duration;

use metrics::{counter, histogram};
use uuid::Uuid;

use crate::domain::ledger::work::{Answer, Work};
use crate::domain::time::BootTime;
use crate::metric_names;

/// An ask was answered.
pub(super) fn answered(answer: &Answer, now: BootTime) {
    let result = if answer.units == 0 {
        "empty"
    } else if now < answer.sent.after(answer.terms.validity) {
        "granted"
    } else {
        "late"
    };
    counter!(metric_names::BLOCK_RESERVES, "result" => result).increment(1);
}

/// Tells the log of a transaction that was committed.
pub(super) fn tell(answers: &[(Uuid, Option<Answer>)]) {
    for (limit, answer) in answers {
        if let Some(answer) = answer {
            let result = if answer.units == 0 {
                "refused"
            } else {
                "granted"
            };
            tracing::debug!(%limit, units = answer.units, result, "a reserve of permits is answered");
        }
    }
}

/// What was said was not taken, or nobody knows; if it was an ask, it counts.
pub(super) fn failed(work: &Work) {
    if work.ask.is_some() {
        counter!(metric_names::BLOCK_RESERVES, "result" => "failed").increment(1);
    }
}

/// A transaction ended, well or not.
pub(super) fn transacted(took: Duration) {
    histogram!(metric_names::BLOCK_RESERVE_SECONDS).record(took);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::domain::ledger::entry::Seen;
    use crate::domain::ledger::grant::{Ask, Urgency};
    use crate::domain::ledger::loss::Most;
    use crate::domain::ledger::work::{NumberedAsk, Wait};
    use crate::domain::terms::{Span, Terms};

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(units: u64) -> Answer {
        Answer {
            block: 1,
            units,
            within: units,
            unasked_over: 0,
            sent: BootTime::from_nanos(0),
            terms: Terms {
                span: Span::Rolling(SECOND * 60),
                validity: SECOND,
                start_within: SECOND,
                blackout: Duration::ZERO,
            },
            last: Seen::NONE,
            wait: Wait::default(),
            largest_clears_at: BootTime::default(),
            is_kept: false,
            is_raised: false,
        }
    }

    fn work(ask: Option<NumberedAsk>) -> Work {
        Work {
            seen: Seen::NONE,
            most: Most::NONE,
            limit: Uuid::nil(),
            ask,
            returns: Vec::new(),
            charge: None,
        }
    }

    #[test]
    fn reserves_are_counted_by_result() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let soon = BootTime::from_nanos(0).after(SECOND / 2);
        metrics::with_local_recorder(&recorder, || {
            answered(&answer(5), soon);
            answered(&answer(5), soon.after(SECOND));
            answered(&answer(0), soon.after(SECOND));
            let ask = Ask {
                need: 1,
                want: 2,
                lacking: 1,
                largest: 1,
                urgency: Urgency::Awaited,
                only_looks: false,
            };
            failed(&work(Some(NumberedAsk { block: 1, ask })));
            failed(&work(None));
        });
        let page = recorder.handle().render();
        for result in ["granted", "late", "empty", "failed"] {
            let line = format!("keylease_block_reserves_total{{result=\"{result}\"}} 1\n");
            assert!(page.contains(&line), "{line} in {page}");
        }
    }
}
