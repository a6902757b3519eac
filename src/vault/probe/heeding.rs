//! What a probe found, on its way to the key, its account and the fleet.

use super::Subject;
use crate::domain::classify::Blame;
use crate::domain::cooling::{Failing, Weight};
use crate::domain::health::FailureClass;
use crate::domain::probe::{ProbeResult, Probed};
use crate::domain::time::Timestamp;
use crate::domain::transition::Who;
use crate::domain::vitals::Event;
use crate::live::owed::Judgement;
use crate::store;
use crate::vault::Vault;

impl Vault {
    /// Lets a probe act, and the fleet know: a rejected key is dead, a dead one that is well gets its canary, a spent budget cools.
    pub(in crate::vault) async fn heed(
        &self,
        subject: &Subject,
        probed: &Probed,
        now: Timestamp,
    ) -> store::Result<()> {
        let Subject { account, version } = subject;
        let uid = version.version.meta.uid;
        match (probed.result, &probed.failure) {
            (ProbeResult::Well, _) => return self.revive(subject).await,
            (ProbeResult::Unclear, _) | (_, None) => return Ok(()),
            (ProbeResult::Rejected, Some(failure)) => {
                let why = format!("credential ({}, by a probe)", probed.why);
                let policy = self.policy_of(uid, now);
                let event = Event::Probed { is_well: false };
                version.live.on(event, &policy, &why, Who::Probe, now);
                if failure.blame == Blame::Account {
                    let failing = Failing {
                        class: FailureClass::Credential,
                        stated: None,
                        why: &why,
                    };
                    let closed = Weight::Closed { given: now };
                    account.live.blame((uid, closed), "", failing, now);
                }
            }
            (ProbeResult::Spent, Some(failure)) => {
                let (class, stated) = (failure.class, failure.retry_after);
                let why = format!("{} ({}, by a probe)", class.as_str(), probed.why);
                let why = why.as_str();
                let failing = Failing { class, stated, why };
                match failure.blame {
                    Blame::Account => {
                        account.live.blame((uid, Weight::Proven), "", failing, now);
                    }
                    Blame::Key => {
                        let live = &version.live;
                        live.blame("", failing, Weight::Proven, Who::Probe, now);
                    }
                    // Where models are counted apart, a list of them is no model, and says nothing of any.
                    Blame::AccountModel
                    | Blame::KeyModel
                    | Blame::Request
                    | Blame::Provider
                    | Blame::Egress => return Ok(()),
                }
            }
        }
        let judgement = Judgement {
            account_uid: account.account.meta.uid,
            version_uid: uid,
            canary: None,
        };
        self.commit(judgement).await
    }
}
