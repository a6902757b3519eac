//! Whether who makes a change may make it, asked within the change: what was revoked anywhere before it counts everywhere at once.

use std::sync::Arc;

use super::caller_rows::with_grants;
use super::change::BEGIN;
use super::error::Refusal;
use super::{Change, Result, Vault, Work};
use crate::domain::caller::{Caller, Right, Token};
use crate::domain::disablement::is_disabled;
use crate::store::connection::{CHANGE_WITHIN, begin, in_time};
use crate::store::{callers, cluster, tokens};

/// What let a caller in when its call came, by what this replica knew then.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The caller.
    pub caller: Arc<Caller>,
    /// Its token.
    pub token: Arc<Token>,
    /// What the change asks of it.
    pub right: Right,
}

impl Vault {
    /// Refuses a caller that would not be let in any more, apart from any change: for what cannot wait for one.
    ///
    /// # Errors
    /// It would not, or the database cannot be reached.
    pub(super) async fn admitted(&self, change: &Change) -> Result<()> {
        let Some(proof) = &change.proof else {
            return Ok(());
        };
        let checking = async {
            let mut transaction = begin(&self.pool, BEGIN).await?;
            let now = cluster::now(&mut transaction).await?;
            let mut work = self.work(change, &mut transaction, (0, now));
            check(&mut work, proof).await
        };
        in_time(CHANGE_WITHIN, checking).await
    }
}

/// Refuses a caller that would not be let in any more. Changes come one after the other, so nothing is revoked between this and the
/// commit.
pub(super) async fn check(work: &mut Work<'_>, proof: &Proof) -> Result<()> {
    let mac = &work.keys.mac;
    let uid = proof.caller.meta.uid;
    let token = tokens::find(work.conn, uid, &proof.token.id).await?;
    let token = token.filter(|row| mac.verifies_row(&row.resource, &row.mac));
    let token = token.map(|row| row.resource);
    let is_good = token.is_some_and(|t| t.uid == proof.token.uid && t.is_good(work.now));
    let caller = callers::find(work.conn, &proof.caller.id).await?;
    let caller = caller.filter(|row| mac.verifies_row(&row.resource, &row.mac));
    let caller = caller.map(|row| row.resource).filter(|caller| {
        caller.meta.uid == uid && !is_disabled(caller.disablement.as_ref(), work.now)
    });
    let Some(caller) = caller.filter(|_| is_good) else {
        return Err(Refusal::TokenRejected.into());
    };
    let found = with_grants(work.conn, work.keys, vec![caller]).await?;
    if found.iter().any(|caller| caller.has(proof.right)) {
        return Ok(());
    }
    let needed = proof.right.roles();
    Err(Refusal::RoleMissing { needed }.into())
}
