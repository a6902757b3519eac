//! Rotations that people should know of.

use std::collections::HashSet;
use std::time::Duration;

use crate::domain::alerts::view::{Ailment, Fact, RotationFact, View};
use crate::domain::id::Id;
use crate::domain::name::{KeyName, RotationName};
use crate::domain::rotation::Step;
use crate::domain::time::Timestamp;
use crate::store::connection::acquire;
use crate::store::rotations::{self, Failed};
use crate::store::rotators;
use crate::vault::{Result, Vault};

/// The most that are looked at: more are told together.
const ROTATIONS_MAX: i64 = 1_000;
/// A rotation that was undone is told of for so long, unless another one is done before.
const UNDONE_TOLD: Duration = Duration::from_hours(24);

impl Vault {
    /// Completes what is known of rotations. That a key is due is no news where its rotation begins by itself; that it is overdue is.
    pub(super) async fn view_rotations(&self, view: &mut View, now: Timestamp) -> Result<()> {
        let mut conn = acquire(&self.pool).await?;
        let since = now.before(UNDONE_TOLD);
        let rows = rotations::failed(&mut conn, since, ROTATIONS_MAX).await?;
        view.rotations = rows.into_iter().filter_map(fact).collect();
        let rotators: HashSet<String> = rotators::account_ids(&mut conn)
            .await?
            .into_iter()
            .collect();
        view.keys.retain(|key| {
            let is_due = matches!(key.fact, Fact::Rotates(at) if at > now);
            !is_due || !rotators.contains(key.key.account.as_str())
        });
        Ok(())
    }
}

/// As it is told; none for what this release does not know.
fn fact(row: Failed) -> Option<RotationFact> {
    let key = KeyName {
        account: Id::parse("account", &row.account_id).ok()?,
        key: Id::parse("key", &row.key_id).ok()?,
    };
    let rotation = Id::parse("rotation", &row.id).ok()?;
    Some(RotationFact {
        rotation: RotationName { key, rotation },
        step: Step::from_stored(&row.step)?,
        ailment: match (row.is_held, row.is_in_vain) {
            (true, _) => Ailment::Held,
            (false, true) => Ailment::InVain,
            (false, false) => Ailment::Undone,
        },
        why: row.why,
    })
}
