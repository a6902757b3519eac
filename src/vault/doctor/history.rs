//! Whether the database is as new as what was seen of it, by those who can know: replicas that ran on, and rows that are newer than the
//! revision they belong to.

use std::collections::{HashMap, HashSet};

use sqlx::PgPool;
use uuid::Uuid;

use super::{Kind, Names, Report};
use crate::domain::key::KeyVersion;
use crate::domain::time::Timestamp;
use crate::store;
use crate::store::changes::Changes;
use crate::store::connection::acquire;
use crate::store::{incarnations, setbacks};

/// The most setbacks that are looked at.
const SETBACKS_MAX: i64 = 100;

pub(super) async fn check(
    pool: &PgPool,
    changes: &Changes,
    names: &Names,
    report: &mut Report,
) -> store::Result<()> {
    let mut conn = acquire(pool).await?;
    let versions = changes
        .versions
        .iter()
        .map(|version| (version.meta.uid, version));
    let versions: HashMap<Uuid, &KeyVersion> = versions.collect();
    let mut told = HashSet::new();
    for seen in setbacks::latest(&mut conn, SETBACKS_MAX).await? {
        let when = time(seen.seen_time);
        report.notes.push(format!(
            "at {when} a replica that knew revision {} found revision {}: {} versions were there again, {} were gone",
            seen.rev_known, seen.rev_found, seen.back_count, seen.lost_count
        ));
        for version in seen.back.iter().filter_map(|uid| versions.get(uid)) {
            if told.insert(version.meta.uid) {
                let name = names.version(version.key_uid, version.number);
                let detail = format!(
                    "it was replaced, revoked or deleted before the database was set back (seen at {when}), and is {} again: rotate the key, or delete it",
                    version.stage.as_str()
                );
                report.find(Kind::VersionBack, name, detail);
            }
        }
    }
    ahead(changes, report);
    // Only a server that replicas may serve from can tell.
    match incarnations::look(&mut conn, Uuid::nil()).await {
        Ok(standing) => {
            if standing
                .known
                .as_ref()
                .is_some_and(|known| *known != standing.sight)
            {
                report.notes.push(
                    "this database is another one than replicas have served from, such as a restored dump, and none has served from it \
                     yet: what was rotated, revoked or deleted after the dump was made is as it was before"
                        .to_owned(),
                );
            }
        }
        Err(error) => report
            .unchecked
            .push(format!("whether this is a restored copy: {error}")),
    }
    Ok(())
}

/// Revisions only grow, and no row has one above the cluster's: where one has, the cluster's row was set back alone.
fn ahead(changes: &Changes, report: &mut Report) {
    let revs = changes.versions.iter().map(|version| version.meta.rev);
    let revs = revs.chain(changes.keys.iter().map(|row| row.resource.meta.rev));
    let revs = revs.chain(changes.tokens.iter().map(|row| row.resource.rev));
    let newest = revs.max().unwrap_or(0);
    if newest > changes.rev {
        let detail = format!(
            "its revision is {}, and rows have revisions up to {newest}: an older row of cluster was put back, or newer rows were",
            changes.rev
        );
        report.find(Kind::WentBack, "the table cluster", detail);
    }
}

pub(super) fn time(time: Timestamp) -> String {
    let micros = u64::try_from(time.micros()).unwrap_or(0);
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_micros(micros);
    humantime::format_rfc3339_seconds(time).to_string()
}
