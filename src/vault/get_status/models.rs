//! Models that cool down by themselves: of accounts as stored, of versions as this replica knows them.

use super::Facts;
use crate::domain::name::{AccountName, VersionName};
use crate::domain::status::CoolingModel;
use crate::vault::key_view::KeyView;

/// Those that are shown at most: nobody reads more, and an account alone may have many.
const SHOWN_MAX: usize = 256;

impl Facts<'_> {
    /// Those that do so longest are shown.
    pub(super) fn cooling_models(&self, keys: &[KeyView]) -> Vec<CoolingModel> {
        let versions = keys.iter().flat_map(|key| self.of_versions(key));
        let mut models: Vec<_> = self.of_accounts().chain(versions).collect();
        models.sort_by_key(|model| std::cmp::Reverse(model.cause.until));
        models.truncate(SHOWN_MAX);
        models.sort_by(|a, b| (&a.of, &a.model).cmp(&(&b.of, &b.model)));
        models
    }

    fn of_accounts(&self) -> impl Iterator<Item = CoolingModel> {
        self.model_cooldowns.iter().filter_map(|cooldown| {
            let account = self.accounts.get(&cooldown.account_uid)?;
            Some(CoolingModel {
                of: AccountName(account.id.clone()).to_string(),
                model: cooldown.model.clone(),
                cause: cooldown.cause.clone(),
            })
        })
    }

    fn of_versions(&self, key: &KeyView) -> Vec<CoolingModel> {
        let mut models = Vec::new();
        for version in self.versions.get(&key.key.meta.uid).into_iter().flatten() {
            let Some(entry) = self.snapshot.versions.get(&version.meta.uid) else {
                continue;
            };
            let name = VersionName {
                key: key.name.clone(),
                number: version.number,
            };
            let held = entry.live.cooling_models(self.now).into_iter();
            models.extend(held.map(|(model, cause)| CoolingModel {
                of: name.to_string(),
                model,
                cause,
            }));
        }
        models
    }
}
