//! `RevokeToken`.

use super::guard::found;
use super::{Done, Result, Verb, Work};
use crate::domain::caller::Token;
use crate::domain::name::{CallerName, TokenName};
use crate::store::{callers, tokens};

/// A token to end for ever.
#[derive(Debug, Clone)]
pub struct RevokeToken {
    /// Which.
    pub name: TokenName,
}

impl Verb for RevokeToken {
    type Answer = Token;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<Token>> {
        let mut token = self.find(work).await?;
        let done = |summary: &str, token| Done {
            answer: token,
            resource: self.name.to_string(),
            summary: summary.to_owned(),
        };
        if token.revoke_time.is_some() {
            return Ok(done("was revoked already", token));
        }
        token.revoke_time = Some(work.now);
        token.rev = work.rev;
        // The row's MAC is not asked for: nothing is granted by a revoked token, so this one may be written again in any state.
        let mac = work.keys.mac.of_row(&token);
        tokens::revoke(work.conn, &token, &mac).await?;
        Ok(done("revoked", token))
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<Token> {
        self.find(work).await
    }
}

impl RevokeToken {
    async fn find(&self, work: &mut Work<'_>) -> Result<Token> {
        let owner = CallerName(self.name.caller.clone());
        let caller = found(callers::find(work.conn, &owner.0).await?, &owner)?;
        let uid = caller.resource.meta.uid;
        let stored = tokens::find(work.conn, uid, &self.name.token).await?;
        Ok(found(stored, &self.name)?.resource)
    }
}
