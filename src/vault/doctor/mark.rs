//! The high-water mark: what a look saw, kept outside of the database, under a MAC. It tells of a restored dump also where no replica ran
//! on that could.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::history::time;
use super::{Kind, Names, Report};
use crate::crypto::MacKey;
use crate::domain::time::Timestamp;
use crate::store::changes::Changes;
use crate::vault::VaultKeys;

/// The second has the number of the promotion too.
const FORMAT: u32 = 2;
/// Under what the MAC is made.
const TABLE: &str = "high-water mark";

/// What the database was like.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Body {
    format: u32,
    rev: i64,
    micros: i64,
    /// The highest version of each key.
    keys: BTreeMap<Uuid, u32>,
    /// The number of the promotion that was in force; none in a mark of the first format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    promotion: Option<i64>,
}

/// As it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    body: Body,
    mac: String,
}

/// Why a mark says nothing.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// It is no mark, or one of a newer release.
    #[error("it is no mark of this release")]
    Format,
    /// It is of another cluster, or was changed.
    #[error("it is of another vault, or was changed")]
    Mac,
}

/// Compares with the mark, and makes the next one.
pub(super) fn check(
    keys: Option<&VaultKeys>,
    mark: Option<&str>,
    now: Body,
    names: &Names,
    report: &mut Report,
) {
    let Some(keys) = keys else {
        let why = "whether the database went back: the mark needs the cluster key";
        report.unchecked.push(why.to_owned());
        return;
    };
    match mark.map(|text| read(&keys.mac, text)) {
        None => report.unchecked.push(
            "whether all of the database went back while no replica ran: there is no mark of an earlier look (--mark FILE)".to_owned(),
        ),
        Some(Err(error)) => {
            let detail = format!(
                "whether the database went back is not known, {error}: put back the file of an earlier look, or remove it to begin anew. It stays as it is"
            );
            report.find(Kind::MarkUnusable, "the mark", detail);
            return;
        }
        Some(Ok(before)) => {
            if compare(&before, &now, names, report) {
                // It is kept until somebody has seen to what came back.
                return;
            }
        }
    }
    // Nothing vouches for a state whose changes are not on record.
    if !report.counts.contains_key(&Kind::AuditNotIntact) {
        report.mark = write(&keys.mac, now);
    }
}

/// Whether the database is older than the mark.
fn compare(before: &Body, now: &Body, names: &Names, report: &mut Report) -> bool {
    let when = time(Timestamp::from_micros(before.micros));
    let went_back = now.rev < before.rev;
    if went_back {
        let detail = format!(
            "it is at revision {}, and was at {} at {when}: an older state was restored",
            now.rev, before.rev
        );
        report.find(Kind::WentBack, "the database", detail);
    }
    let is_promotion_back = now.promotion < before.promotion;
    if let Some(promotion) = before.promotion.filter(|_| is_promotion_back) {
        let now = now
            .promotion
            .map_or_else(|| "none".to_owned(), |now| format!("the {now}."));
        let detail = format!(
            "its {promotion}. promotion was in force at {when}, and {now} is: an earlier one was put back, promote one again by `keylease master-key promote`"
        );
        report.find(Kind::WentBack, "the promoted master key", detail);
    }
    let older = now.keys.iter().filter_map(|(key, number)| {
        let newest = before.keys.get(key).filter(|newest| *newest > number)?;
        Some((key, number, newest))
    });
    let mut any = went_back || is_promotion_back;
    for (key, number, newest) in older {
        any = true;
        let detail = format!(
            "it is the newest of its key, which had version {newest} at {when}: rotate the key"
        );
        report.find(Kind::VersionBack, names.version(*key, number), detail);
    }
    any
}

impl Body {
    /// What the database is like now.
    pub(super) fn now(
        changes: &Changes,
        newest: BTreeMap<Uuid, u32>,
        promotion: Option<i64>,
    ) -> Self {
        Self {
            format: FORMAT,
            rev: changes.rev,
            micros: changes.now.micros(),
            keys: newest,
            promotion,
        }
    }
}

fn read(mac: &MacKey, text: &str) -> Result<Body, MarkError> {
    let kept: Kept = serde_json::from_str(text).map_err(|_| MarkError::Format)?;
    if !(1..=FORMAT).contains(&kept.body.format) {
        return Err(MarkError::Format);
    }
    let wanted = mac_of(mac, &kept.body).ok_or(MarkError::Format)?;
    // Whoever can try many of these holds the file and gains nothing by a mark of its own but silence.
    if wanted == kept.mac {
        Ok(kept.body)
    } else {
        Err(MarkError::Mac)
    }
}

fn write(mac: &MacKey, body: Body) -> Option<String> {
    let mac = mac_of(mac, &body)?;
    serde_json::to_string(&Kept { body, mac }).ok()
}

fn mac_of(mac: &MacKey, body: &Body) -> Option<String> {
    let text = serde_json::to_vec(body).ok()?;
    let mac = mac.mac(TABLE, &[text.as_slice().into()]);
    Some(mac.map(|byte| format!("{byte:02x}")).concat())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::crypto::ClusterKey;

    #[test]
    fn a_mark_is_what_python_makes_and_of_an_earlier_format_is_read_too() {
        let all: Value =
            serde_json::from_str(include_str!("../../../tests/vectors/formats.json")).unwrap();
        for vector in all["marks"].as_array().unwrap() {
            assert_eq!(vector["cluster_key"], "44".repeat(32));
            let mac = ClusterKey::known(0x44).mac_key();
            let mark = vector["mark"].as_str().unwrap();
            let mut body = read(&mac, mark).unwrap();
            assert_eq!(write(&mac, body.clone()).unwrap(), mark);
            (body.format, body.promotion) = (1, None);
            let earlier = write(&mac, body).unwrap();
            assert!(!earlier.contains("promotion"));
            assert_eq!(read(&mac, &earlier).unwrap().promotion, None);
            let edited = mark.replace("\"rev\":7", "\"rev\":6");
            assert!(matches!(read(&mac, &edited), Err(MarkError::Mac)));
        }
    }
}
