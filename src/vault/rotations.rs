//! `GetRotation` and `ListRotations`.

use super::error::Refusal;
use super::guard::found;
use super::page::Page;
use super::{Result, Vault, get_key};
use crate::domain::name::{KeyName, RotationName};
use crate::domain::rotation::Rotation;
use crate::store::connection::acquire;
use crate::store::rotations;

/// A rotation as it is answered.
#[derive(Debug, Clone)]
pub struct RotationView {
    /// Its name.
    pub name: RotationName,
    /// The rotation.
    pub rotation: Rotation,
}

impl RotationView {
    /// A rotation of this key.
    pub(super) fn new(key: KeyName, rotation: Rotation) -> Self {
        let name = RotationName {
            key,
            rotation: rotation.id.clone(),
        };
        Self { name, rotation }
    }
}

/// Of a key whose rotation has not promoted its version yet, and which is not to be changed for that.
pub(super) fn under_way(key: &KeyName, open: &Rotation) -> Refusal {
    let resource = key.to_string();
    let message = format!(
        "{resource}/rotations/{} is under way ({}): wait for it, or give it up with CancelRotation first",
        open.id,
        open.step.as_str()
    );
    Refusal::State { resource, message }
}

impl Vault {
    /// Reads a rotation.
    ///
    /// # Errors
    /// It does not exist.
    pub async fn get_rotation(&self, name: &RotationName) -> Result<RotationView> {
        let mut conn = acquire(&self.pool).await?;
        let key = get_key::stored(&mut conn, &name.key).await?;
        let rotation = rotations::find(&mut conn, key.meta.uid, &name.rotation).await?;
        Ok(RotationView {
            name: name.clone(),
            rotation: found(rotation, name)?,
        })
    }

    /// A page of the rotations of a key, newest first, and the token of the next.
    ///
    /// # Errors
    /// The key does not exist.
    pub async fn list_rotations(
        &self,
        name: &KeyName,
        page: &Page,
    ) -> Result<(Vec<RotationView>, String)> {
        let mut conn = acquire(&self.pool).await?;
        let key = get_key::stored(&mut conn, name).await?;
        let slice = page.slice();
        let before = page.number_before();
        let mut rows = rotations::of_key(&mut conn, key.meta.uid, before, slice.rows_max).await?;
        let next = page.cut(&self.keys, &mut rows, |row| row.to_number.to_string());
        let views = rows.into_iter();
        let views = views.map(|rotation| RotationView::new(name.clone(), rotation));
        Ok((views.collect(), next))
    }
}
