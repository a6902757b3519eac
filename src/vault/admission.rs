//! Whether who makes a change may make it, asked within the change: what was revoked anywhere before it counts everywhere at once.

use std::sync::Arc;

use super::caller_rows::with_grants;
use super::error::Refusal;
use super::{Result, Work};
use crate::domain::caller::{Caller, Right, Token};
use crate::domain::disablement::is_disabled;
use crate::store::{callers, tokens};

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
