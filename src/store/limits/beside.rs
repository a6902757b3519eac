//! Limits that would count a lease, beside those that do.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::models::{Pattern, patterns};
use crate::store::Result;

/// Limits of what is held beside these, which refuse and are of the account that the key of a version belongs to now: of each, the models
/// that it counts. One that this release cannot read may count all.
///
/// # Errors
/// As every query.
pub async fn held_beside(
    conn: &mut PgConnection,
    version: Uuid,
    limits: &[Uuid],
) -> Result<Vec<Vec<Pattern>>> {
    let models = sqlx::query_scalar!(
        "select l.models from key_versions v join keys k on k.uid = v.key_uid join limits l on l.owner_uid = k.account_uid
        where v.uid = $1 and l.uid <> all($2) and l.dimension = 'concurrency' and l.mode = 'enforce' and l.delete_time is null",
        version,
        limits
    )
    .fetch_all(conn)
    .await?;
    let read = |models: Vec<String>| patterns("models", &models).unwrap_or_default();
    Ok(models.into_iter().map(read).collect())
}
