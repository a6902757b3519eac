//! The counters of wraps, which no MAC covers: a counter that is less than what is there was set back.

use sqlx::PgConnection;

use super::Report;
use crate::store::{self, master_keys};

/// Notes what cannot be.
pub(super) async fn check(conn: &mut PgConnection, report: &mut Report) -> store::Result<()> {
    for key in master_keys::list(conn).await? {
        let there = key.secrets + i64::from(key.wraps_cluster_key);
        if key.wraps < there {
            report.notes.push(format!(
                "warning: master key {} is said to have wrapped {} times, and {there} things are wrapped with it: its counter was set back, so that \
                 its bound is not known to hold, promote another by `keylease master-key promote` and rewrap",
                key.fingerprint, key.wraps
            ));
        }
    }
    Ok(())
}
