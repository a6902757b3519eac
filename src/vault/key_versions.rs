//! `GetKeyVersion` and `ListKeyVersions`.

use sqlx::PgConnection;

use super::guard::found;
use super::page::Page;
use super::{Result, Vault, get_key, trust};
use crate::domain::key::{Key, KeyVersion};
use crate::domain::name::{KeyName, VersionName};
use crate::store::connection::acquire;
use crate::store::probes::{self, ProbeRow};
use crate::store::{cluster, key_versions, secrets};

/// A version as it is answered.
#[derive(Debug, Clone)]
pub struct VersionView {
    /// Its name.
    pub name: VersionName,
    /// The version.
    pub version: KeyVersion,
    /// The master key that wraps its secret; empty once that is erased.
    pub master_key: String,
    /// What is known of its probes.
    pub probes: Option<ProbeRow>,
}

impl Vault {
    /// Reads a version of a key.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_key_version(&self, name: &VersionName) -> Result<VersionView> {
        let mut conn = acquire(&self.pool).await?;
        let key = get_key::stored(&mut conn, &name.key).await?;
        let version = key_versions::find(&mut conn, key.meta.uid, name.number).await?;
        let version = found(version, name)?;
        let version = self.judged(&mut conn, &key, vec![version]).await?.pop();
        let version = found(version, name)?;
        let wraps = secrets::wrapping(&mut conn, &[version.meta.uid]).await?;
        let probes = probes::of_versions(&mut conn, &[version.meta.uid]).await?;
        Ok(VersionView {
            name: name.clone(),
            version,
            master_key: wraps.into_values().next().unwrap_or_default(),
            probes: probes.into_values().next(),
        })
    }

    /// A page of the versions of a key, newest first, and the token of the next.
    ///
    /// # Errors
    /// The key does not exist.
    pub async fn list_key_versions(
        &self,
        name: &KeyName,
        page: &Page,
    ) -> Result<(Vec<VersionView>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let key = get_key::stored(&mut conn, name).await?;
        let slice = page.slice();
        let before = page.number_before();
        let mut rows =
            key_versions::of_key(&mut conn, key.meta.uid, before, slice.rows_max).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.number.to_string());
        let rows = self.judged(&mut conn, &key, rows).await?;
        let uids: Vec<_> = rows.iter().map(|row| row.meta.uid).collect();
        let mut wraps = secrets::wrapping(&mut conn, &uids).await?;
        let mut probes = probes::of_versions(&mut conn, &uids).await?;
        let views = rows.into_iter().map(|version| VersionView {
            name: VersionName {
                key: name.clone(),
                number: version.number,
            },
            master_key: wraps.remove(&version.meta.uid).unwrap_or_default(),
            probes: probes.remove(&version.meta.uid),
            version,
        });
        Ok((views.collect(), next))
    }

    /// The same versions of a key as they are now, each with why it is not believed.
    async fn judged(
        &self,
        conn: &mut PgConnection,
        key: &Key,
        mut versions: Vec<KeyVersion>,
    ) -> Result<Vec<KeyVersion>> {
        let owner = std::iter::once(key.account_uid);
        let accounts = trust::accounts_of(conn, &self.keys, owner).await?;
        let uids: Vec<_> = versions.iter().map(|version| version.meta.uid).collect();
        let secrets = secrets::of_versions(conn, &uids).await?;
        let now = cluster::now(conn).await?;
        for version in &mut versions {
            version.health = version.health.at(now);
            let rows = secrets
                .get(&version.meta.uid)
                .map_or(&[][..], Vec::as_slice);
            let judge = |account| trust::of_version(&self.keys, account, version, rows);
            version.meta.distrust = accounts.get(&key.account_uid).and_then(judge);
        }
        Ok(versions)
    }
}
