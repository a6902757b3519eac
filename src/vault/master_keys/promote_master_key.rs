//! `PromoteMasterKey`: from now on this master key wraps whatever is sealed.

use super::get_master_key_status::{MasterKeyStatus, status};
use super::promoted::{self, Promoted};
use crate::crypto::{Fingerprint, WrapBudget};
use crate::domain::rewrap::RewrapState;
use crate::store::{replicas, rewraps};
use crate::vault::error::Refusal;
use crate::vault::sealing::heed_wraps;
use crate::vault::{Done, Result, Verb, Work};

/// The most replicas that a refusal names.
const NAMED_MAX: usize = 5;

/// The master key to promote.
#[derive(Debug, Clone, Copy)]
pub struct PromoteMasterKey(pub Fingerprint);

impl Verb for PromoteMasterKey {
    type Answer = MasterKeyStatus;

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<MasterKeyStatus>> {
        let fingerprint = self.0.to_string();
        let before = promoted::read(work.conn, work.keys).await?;
        let is_new = before != Promoted::Key(self.0);
        if is_new {
            self.check(work).await?;
            // Its row before those of master keys, as a batch of a rewrap takes them.
            rewraps::end(work.conn, RewrapState::Superseded).await?;
            let number = promoted::write(work.conn, work.keys, self.0).await?;
            work.promotes(number, self.0);
        }
        let summary = match before {
            Promoted::Key(before) if is_new => format!("promoted in place of {before}"),
            Promoted::Key(_) => "is promoted already".to_owned(),
            Promoted::None | Promoted::Tampered => "promoted".to_owned(),
        };
        Ok(Done {
            answer: status(work.conn, work.keys).await?,
            resource: resource_of(&fingerprint),
            summary,
        })
    }

    async fn replay(self, work: &mut Work<'_>, _resource: &str) -> Result<MasterKeyStatus> {
        Ok(status(work.conn, work.keys).await?)
    }
}

impl PromoteMasterKey {
    /// Whoever lives must be able to open what it seals. A replica that starts from now on without it refuses to; one that has started
    /// and not said so yet opens nothing that is new, says so, and seals nothing.
    async fn check(self, work: &mut Work<'_>) -> Result<()> {
        let fingerprint = self.0.to_string();
        let refuse = |message: String| Refusal::State {
            resource: resource_of(&fingerprint),
            message: format!("master key {fingerprint} is not promoted: {message}"),
        };
        let all = status(work.conn, work.keys).await?;
        let known = all
            .master_keys
            .iter()
            .find(|k| k.row.fingerprint == fingerprint);
        if known.is_some_and(|known| known.row.retire_time.is_some()) {
            let message = "it is retired, add a fresh one made by `keylease master-key generate`";
            return Err(refuse(message.to_owned()).into());
        }
        if work.keys.ring().find(&self.0).is_err() {
            let message =
                "this replica does not hold it, add it to the master keys of every replica first";
            return Err(refuse(message.to_owned()).into());
        }
        // One that cannot reach the database leases all the same, and would take what is sealed from now on for damaged.
        let leasing = replicas::leasing(work.conn).await?;
        let mut lacking = leasing
            .iter()
            .filter(|(_, held)| !held.contains(&fingerprint));
        let named: Vec<&str> = lacking
            .by_ref()
            .take(NAMED_MAX)
            .map(|(at, _)| at.as_str())
            .collect();
        if !named.is_empty() {
            let more = lacking.count();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let message = format!(
                "replicas at {}{more} do not hold it, add it to the master keys of every replica first; one that was killed is waited for as long as it may lease without the database",
                named.join(", ")
            );
            return Err(refuse(message).into());
        }
        let wraps = known.map_or(0, |known| known.row.wraps);
        if heed_wraps(&fingerprint, wraps) == WrapBudget::Refuse {
            let message = format!("it has wrapped {wraps} times and must not wrap more");
            return Err(refuse(message).into());
        }
        Ok(())
    }
}

/// How the audit names a master key.
pub(in crate::vault) fn resource_of(fingerprint: &str) -> String {
    format!("masterKeys/{fingerprint}")
}
