//! Versions that come back: a database that was set back, as by a restored dump, holds secrets again that were replaced, revoked or deleted.
//! A replica that ran meanwhile knows better, and writes what it sees into the database, where `keylease doctor` finds it.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::key::Stage;
use crate::live::registry::Registry;
use crate::store::connection::{ANSWER_WITHIN, acquire, in_time};
use crate::store::setbacks::{self, Setback};
use crate::vault::Vault;

/// What this replica knew.
pub(super) struct Before {
    rev: i64,
    stages: HashMap<Uuid, Stage>,
}

/// What this replica knows, before it forgets that.
pub(super) fn before(registry: &Registry) -> Before {
    let versions = registry.versions.iter();
    Before {
        rev: registry.rev,
        stages: versions
            .map(|(uid, known)| (*uid, known.version.stage))
            .collect(),
    }
}

/// What the database has forgotten, if it has: all of it has been read again, at the revision `found`. A version that was last changed
/// before what this replica knew, and that it does not know, was gone then; one that was previous and is current was replaced.
pub(super) fn compare(before: &Before, registry: &Registry, found: i64) -> Option<Setback> {
    let is_back = |uid: &Uuid, stage: Stage, rev: i64| match before.stages.get(uid) {
        Some(Stage::Previous) => stage == Stage::Current,
        Some(Stage::Pending | Stage::Current | Stage::Revoked) => false,
        None => rev <= before.rev,
    };
    let versions = registry.versions.iter();
    let back =
        versions.filter(|(uid, known)| is_back(uid, known.version.stage, known.version.meta.rev));
    let back: Vec<Uuid> = back.map(|(uid, _)| *uid).collect();
    let lost = before
        .stages
        .keys()
        .filter(|uid| !registry.versions.contains_key(*uid))
        .count();
    (found < before.rev || !back.is_empty()).then_some(Setback {
        rev_known: before.rev,
        rev_found: found,
        back,
        lost,
    })
}

impl Vault {
    /// Writes it where others find it. That it cannot be written is told, and keeps nothing from being served.
    pub(super) async fn note_setback(&self, setback: Setback) {
        tracing::error!(
            rev.known = setback.rev_known,
            rev.found = setback.rev_found,
            versions.back = setback.back.len(),
            versions.lost = setback.lost,
            "the database went back in time: `keylease doctor` names the versions that are there again"
        );
        let noted = async {
            let mut conn = acquire(&self.pool).await?;
            setbacks::insert(&mut conn, self.live.boot_id, &setback).await
        };
        if let Err(error) = in_time(ANSWER_WITHIN, noted).await {
            tracing::error!(%error, "that the database went back in time could not be written into it");
        }
    }
}
