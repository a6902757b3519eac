//! `CreateToken`.

use uuid::Uuid;

use super::error::{Fault, Refusal};
use super::guard::found;
use super::{Done, Result, Verb, Work, get_caller};
use crate::crypto::{CallerToken, Secret};
use crate::domain::caller::Token;
use crate::domain::caller_draft::{TOKEN_LIFE_MAX, TOKENS_MAX};
use crate::domain::field::{FieldError, Parsed};
use crate::domain::name::{CallerName, TokenName};
use crate::domain::time::Timestamp;
use crate::store::tokens;

/// A token to create.
#[derive(Debug, Clone)]
pub struct CreateToken {
    /// Whose.
    pub caller: CallerName,
    /// When it ends by itself.
    pub expire_time: Option<Timestamp>,
    /// What it is for.
    pub display_name: String,
}

/// A token, and its text where this is the call that made it.
#[derive(Debug)]
pub struct NewToken {
    /// The token.
    pub token: Token,
    /// Shown once: a repetition of the call has none.
    pub text: Option<Secret>,
}

impl Verb for CreateToken {
    type Answer = NewToken;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<NewToken>> {
        let caller = get_caller::to_change(work, &self.caller).await?;
        check_expiry(self.expire_time, work.now)?;
        self.check_count(work, caller.meta.uid).await?;
        let minted = CallerToken::mint(&work.keys.pepper)?;
        let token = Token {
            id: minted.id,
            uid: Uuid::now_v7(),
            rev: work.rev,
            caller_uid: caller.meta.uid,
            hash: minted.hash.to_vec(),
            display_name: self.display_name,
            create_time: work.now,
            expire_time: self.expire_time,
            revoke_time: None,
            distrust: None,
        };
        let mac = work.keys.mac.of_row(&token);
        tokens::insert(work.conn, &token, &mac).await?;
        let name = TokenName {
            caller: caller.id,
            token: token.id.clone(),
        };
        Ok(Done {
            resource: name.to_string(),
            summary: format!("created, {:?}", token.display_name),
            answer: NewToken {
                token,
                text: Some(minted.token),
            },
        })
    }

    async fn replay(self, work: &mut Work<'_>, resource: &str) -> Result<NewToken> {
        let name = TokenName::parse("resource", resource)
            .map_err(|_| Fault::new("a remembered token name does not parse", "malformed"))?;
        let caller = get_caller::reread(work, &self.caller).await?;
        let stored = tokens::find(work.conn, caller.meta.uid, &name.token).await?;
        Ok(NewToken {
            token: found(stored, &name)?.resource,
            text: None,
        })
    }
}

impl CreateToken {
    async fn check_count(&self, work: &mut Work<'_>, caller_uid: Uuid) -> Result<()> {
        let count = tokens::count_good(work.conn, caller_uid, work.now).await?;
        if usize::try_from(count).is_ok_and(|count| count < TOKENS_MAX) {
            return Ok(());
        }
        let resource = self.caller.to_string();
        let message = format!(
            "{resource} has {count} good tokens, at most {TOKENS_MAX} are allowed; revoke one first"
        );
        Err(Refusal::State { resource, message }.into())
    }
}

/// In the future, and not so far that nobody means it.
fn check_expiry(expire_time: Option<Timestamp>, now: Timestamp) -> Parsed<()> {
    let refused = |message| Err(FieldError::new("expire_time", message));
    match expire_time {
        Some(end) if end <= now => refused("has passed already, choose a later time"),
        Some(end) if end > now.after(TOKEN_LIFE_MAX) => {
            refused("is more than 10 years away, choose an earlier time or leave it unset")
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_token_ends_in_the_future_and_within_ten_years() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        let second = Duration::from_secs(1);
        assert!(check_expiry(None, now).is_ok());
        assert!(check_expiry(Some(now.after(second)), now).is_ok());
        assert!(check_expiry(Some(now.after(TOKEN_LIFE_MAX)), now).is_ok());
        for wrong in [
            now,
            now.before(second),
            now.after(TOKEN_LIFE_MAX).after(second),
            Timestamp::from_micros(i64::MAX),
            Timestamp::from_micros(i64::MIN),
        ] {
            assert!(check_expiry(Some(wrong), now).is_err(), "{wrong:?}");
        }
    }
}
