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
