//! What is known of all chains together, and what it says of those that are there.

use sqlx::PgConnection;

use super::hashes;
use super::report::{AdoptedReport, AuditReport};
use crate::crypto::MacKey;
use crate::domain::chain::{Adopted, Chain, Fault, Finding, Standing};
use crate::domain::time::Timestamp;
use crate::store::audit_chains::ChainRow;
use crate::store::audit_standing::StoredStanding;
use crate::store::{Result, audit_chains, audit_standing};

/// Begins to count, where nothing is known yet. Chains of the releases that did not count are taken as they are found.
pub(in crate::vault) async fn begin(
    conn: &mut PgConnection,
    key: &MacKey,
    now: Timestamp,
) -> Result<()> {
    let standing = Standing {
        since: now,
        begun_changes: audit_chains::count(conn, Chain::Changes).await?,
        begun_leases: audit_chains::count(conn, Chain::Leases).await?,
        adopted: None,
    };
    put(conn, key, standing).await
}

/// Another chain begins. Where what is known was removed or edited it stays so, for whoever verifies.
pub(super) async fn count(conn: &mut PgConnection, key: &MacKey, chain: Chain) -> Result<()> {
    let stored = audit_standing::lock(conn).await?;
    match stored.and_then(|stored| proven(key, stored)) {
        Some(standing) => put(conn, key, standing.with_one_more(chain)).await,
        None => Ok(()),
    }
}

/// Records that were in no chain are in this one now.
pub(in crate::vault) async fn adopted(
    conn: &mut PgConnection,
    key: &MacKey,
    adopted: Adopted,
) -> Result<()> {
    let stored = audit_standing::lock(conn).await?;
    let Some(standing) = stored.and_then(|stored| proven(key, stored)) else {
        return Ok(());
    };
    let adopted = Some(adopted);
    put(
        conn,
        key,
        Standing {
            adopted,
            ..standing
        },
    )
    .await
}

async fn put(conn: &mut PgConnection, key: &MacKey, standing: Standing) -> Result<()> {
    let mac = hashes::standing(key, &standing);
    audit_standing::put(conn, &standing, &mac).await
}

fn proven(key: &MacKey, stored: StoredStanding) -> Option<Standing> {
    let mac = hashes::standing(key, &stored.standing);
    let holds = bool::from(subtle::ConstantTimeEq::ct_eq(
        mac.as_slice(),
        stored.mac.as_slice(),
    ));
    holds.then_some(stored.standing)
}

/// Tells what is wrong with all chains together; `is_used`: something was changed in this vault.
pub(super) fn judge(
    key: &MacKey,
    stored: Option<StoredStanding>,
    is_used: bool,
    rows: &[ChainRow],
    report: &mut AuditReport,
) {
    let present = |chain| rows.iter().filter(|row| row.chain == chain).count();
    let mut tell = |chain, sequence: usize, fault| {
        report.tell(&Finding {
            chain,
            writer: None,
            sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
            fault,
        });
    };
    let Some(standing) = stored.and_then(|stored| proven(key, stored)) else {
        if is_used || !rows.is_empty() {
            tell(Chain::Changes, 0, Fault::StandingChanged);
        }
        if is_used && present(Chain::Changes) == 0 {
            tell(Chain::Changes, 0, Fault::HeadMissing);
        }
        return;
    };
    for chain in Chain::ALL {
        let (there, begun) = (present(chain), standing.begun(chain));
        if i64::try_from(there).is_ok_and(|there| there < begun) {
            tell(chain, there, Fault::ChainsMissing { begun });
        }
    }
    let Some(adopted) = standing.adopted else {
        return;
    };
    // Whoever kept a chain had no record that was in none.
    let is_late = rows.iter().any(|row| {
        row.writer != adopted.writer
            && row.create_time < standing.since
            && hashes::birth(key, row).as_slice() == row.birth_mac.as_slice()
    });
    if is_late {
        tell(Chain::Changes, 0, Fault::AdoptedLate);
    }
    report.adopted = Some(AdoptedReport {
        writer: adopted.writer,
        rows: adopted.rows,
        time: super::written(standing.since),
    });
}
