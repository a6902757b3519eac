//! What befell many keys at once, as it is taken up.

use uuid::Uuid;

use crate::domain::incident::IncidentKind;
use crate::domain::time::Timestamp;
use crate::live::Live;
use crate::live::registry::Registry;
use crate::store::changes::{Changes, GoneKind};
use crate::vault::braking::died_lately;

/// Providers and pools hear of what befell them.
pub(super) fn take_up(registry: &mut Registry, live: &Live, changes: &mut Changes) {
    let now = changes.now;
    let gone = changes.gone.iter();
    let pools = gone.filter(|gone| gone.kind == GoneKind::Pool);
    pools.for_each(|gone| live.brakes.forget(gone.uid));
    for (kind, subject, incident) in changes.incidents.drain(..) {
        if kind == IncidentKind::Brake
            && let Ok(pool) = subject.parse()
        {
            live.brakes.told(pool, &incident, now);
        }
        registry.befell(kind, subject, incident, now);
    }
}

/// Where all that is stored was read, what is not among it is over.
pub(super) fn forget(registry: &Registry, live: &Live, is_whole: bool, now: Timestamp) {
    if !is_whole {
        return;
    }
    registry.forget_incidents(now);
    let is_stored = |pool: Uuid| {
        let brake = (IncidentKind::Brake, pool.to_string());
        registry.incidents.contains_key(&brake)
    };
    live.brakes.forget_all_but(is_stored);
}

/// Versions that died within the last minute.
pub(super) fn dead(changes: &Changes) -> Vec<Uuid> {
    let now = changes.now;
    let versions = changes.versions.iter();
    let dead = versions.filter(|v| died_lately(&v.health, v.meta.update_time, now));
    dead.map(|version| version.meta.uid).collect()
}
