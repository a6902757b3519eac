//! The offline share of a limit on the wire.

use super::faults::Faults;
use crate::domain::field::bounded;
use crate::domain::offline::{
    OUTAGE_MAX_DEFAULT, OUTAGE_MAX_MAX, OUTAGE_MAX_MIN, OfflineShare, PERCENT_MAX, SLOTS_DEFAULT,
    SLOTS_MAX,
};
use crate::proto;
use crate::service::convert::{duration, parse_millis};

/// Parsed, with its defaults in place.
pub(super) fn parse(faults: &mut Faults, share: proto::OfflineShare) -> Option<OfflineShare> {
    let percent = bounded(
        "limit.offline_share.percent",
        share.percent,
        1,
        signed(PERCENT_MAX),
    );
    let slots = match share.slots {
        0 => Ok(signed(SLOTS_DEFAULT)),
        slots => bounded("limit.offline_share.slots", slots, 1, signed(SLOTS_MAX)),
    };
    let field = "limit.offline_share.outage_max";
    let outage_max = parse_millis(field, share.outage_max, OUTAGE_MAX_MIN, OUTAGE_MAX_MAX);
    let (percent, slots) = (faults.take(percent), faults.take(slots));
    let outage_max = faults.take(outage_max)?;
    Some(OfflineShare {
        percent: percent?.unsigned_abs(),
        slots: slots?.unsigned_abs(),
        outage_max: outage_max.unwrap_or(OUTAGE_MAX_DEFAULT),
    })
}

/// With the values in force.
pub(super) fn of(share: &OfflineShare) -> proto::OfflineShare {
    proto::OfflineShare {
        percent: signed(share.percent),
        slots: signed(share.slots),
        outage_max: Some(duration(share.outage_max)),
    }
}

fn signed(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::vault::Refusal;

    fn parsed(percent: i32, slots: i32, seconds: i64) -> Result<Option<OfflineShare>, Refusal> {
        let share = proto::OfflineShare {
            percent,
            slots,
            outage_max: (seconds != 0).then_some(prost_types::Duration { seconds, nanos: 0 }),
        };
        let mut faults = Faults::default();
        let share = parse(&mut faults, share);
        faults.finish(Some(share))
    }

    #[test]
    fn what_is_unset_has_its_default() {
        let defaults = OfflineShare {
            percent: 10,
            slots: 4,
            outage_max: Duration::from_mins(5),
        };
        assert_eq!(parsed(10, 0, 0).unwrap(), Some(defaults));
    }

    #[test]
    fn each_part_is_bounded() {
        for (percent, slots, seconds) in [(51, 65, 3_601), (0, -1, -1)] {
            let Err(Refusal::Fields(faults)) = parsed(percent, slots, seconds) else {
                panic!("it was taken")
            };
            let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
            let parts = ["percent", "slots", "outage_max"]
                .map(|part| format!("limit.offline_share.{part}"));
            assert_eq!(fields, parts);
        }
    }
}
