//! That a master key is known goes on record: who was given one can read what is wrapped with it.

use sqlx::PgConnection;

use super::promote_master_key::resource_of;
use crate::store::{self, master_keys};
use crate::vault::error::Refusal;
use crate::vault::{Done, Result, Verb, Work};

/// Records what is known and not on record yet.
#[derive(Debug)]
pub(super) struct AddMasterKeys;

/// The records of master keys that are not on record, which they are from now on.
pub(in crate::vault) async fn announced(
    conn: &mut PgConnection,
) -> store::Result<Vec<(String, String)>> {
    let added = master_keys::announce(conn).await?.into_iter();
    let note = |(fingerprint, is_of_passphrase): (String, bool)| {
        let from = if is_of_passphrase {
            "a passphrase"
        } else {
            "a file, a folder or a variable"
        };
        let summary = format!("is known from now on, it comes from {from}");
        (resource_of(&fingerprint), summary)
    };
    Ok(added.map(note).collect())
}

impl Verb for AddMasterKeys {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let mut notes = announced(work.conn).await?;
        let Some((resource, summary)) = notes.pop() else {
            let resource = "masterKeys".to_owned();
            return Err(Refusal::NotFound { resource }.into());
        };
        notes
            .into_iter()
            .for_each(|(resource, summary)| work.note(resource, summary));
        Ok(Done {
            answer: (),
            resource,
            summary,
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
