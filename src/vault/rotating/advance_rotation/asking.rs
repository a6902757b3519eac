//! What the rotator of an account is asked for, and how: a new secret, here, and that the provider forgets an old one. A request may come
//! again after any crash; the receiver knows it by the rotation.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::in_vain::Made;
use super::{Outcome, Turn, same_parts};
use crate::crypto::WebhookSecrets;
use crate::domain::name::AccountName;
use crate::domain::rotation::{ASKED_A_MINUTE_MAX, Event};
use crate::domain::rotator::{Asking, Known, Minted, Reference, Rotator, Wanted};
use crate::domain::time::Timestamp;
use crate::live::clock::host_time;
use crate::outbound::{Answer, OutboundError, Request};
use crate::store::connection::acquire;
use crate::store::{accounts, key_versions, rotations, rotators};
use crate::vault::error::{Error, Refusal};
use crate::vault::guard::{found, verified};
use crate::vault::rotate_key::store_pending;
use crate::vault::rotating::come_back;
use crate::vault::rotating::rotation_deeds::move_on;
use crate::vault::secret_value::SecretValue;
use crate::vault::{Change, Done, Result, Vault, Verb, Work, get_account, sealing};

/// Stores what a rotator has made.
struct StoreMinted {
    turn: Turn,
    secret: SecretValue,
    reference: String,
}

impl Vault {
    /// Asks the rotator for the secret of the new version, and stores it sealed.
    pub(super) async fn have_one_made(self: &Arc<Self>, turn: Turn) -> Result<Option<Outcome>> {
        let number = turn.rotation.from_number.unwrap_or_default();
        let previous = self.known(&turn, number).await?;
        let wanted = Wanted::Create { previous };
        let answer = match self.request_of(&turn, wanted).await? {
            // Another replica has asked for one meanwhile, or nobody wants it.
            Ok(_) if !self.is_still(&turn).await? => return Ok(None),
            Ok(request) => self.sent(&turn, request).await.map_err(unanswered),
            Err(why) => Err(why),
        };
        let minted = answer.and_then(|answer| {
            let answer = said(answer, false)?;
            let body = Zeroizing::new(answer.body);
            let minted = Minted::parse(&body).map_err(str::to_owned)?;
            let secret = SecretValue::parse("secret", minted.secret, minted.fields);
            let secret = secret.map_err(|error| {
                format!("the rotator's answer: {} {}", error.field, error.message)
            })?;
            Ok((secret, minted.reference))
        });
        let (secret, reference) = match minted {
            Ok(minted) => minted,
            Err(why) => return Ok(Some(failed(turn, why))),
        };
        let made = Made {
            reference: reference.clone(),
            fingerprint: secret.fingerprint(&self.keys).to_vec(),
        };
        let storing = StoreMinted {
            turn: turn.clone(),
            secret,
            reference,
        };
        let change = Change::by_system("AdvanceRotation", "the rotator has made a secret");
        match self.change(change, storing).await {
            Ok(()) => Ok(None),
            // A person gave it up meanwhile, or another replica has its step.
            Err(Error::Refused(Refusal::NotFound { .. })) => {
                self.give_back_made(turn, made).await?;
                Ok(None)
            }
            Err(Error::Refused(Refusal::SecretExists { .. })) => {
                let why = "the rotator answered a secret that is stored already";
                Ok(Some(failed(turn, why.to_owned())))
            }
            Err(Error::Refused(Refusal::SecretLeaving { .. })) => {
                let why = "the rotator answered a secret that it was asked to have revoked";
                Ok(Some(failed(turn, why.to_owned())))
            }
            Err(error) => Err(error),
        }
    }

    /// What the rotator knows a version by.
    pub(super) async fn known(&self, turn: &Turn, number: u32) -> Result<Known> {
        let mut conn = acquire(&self.pool).await?;
        let version = key_versions::find(&mut conn, turn.rotation.key_uid, number).await?;
        let mut reference = String::new();
        if let Some(version) = version
            && let Some(stored) = rotators::reference(&mut conn, version.meta.uid).await?
        {
            let name = format!("{}/versions/{number}", turn.name);
            reference = verified(&self.keys, stored, &name)?.reference;
        }
        Ok(Known { number, reference })
    }

    /// The request to the rotator, or why there is none.
    pub(super) async fn request_of(
        &self,
        turn: &Turn,
        wanted: Wanted,
    ) -> Result<std::result::Result<Request, String>> {
        let mut conn = acquire(&self.pool).await?;
        let name = AccountName(turn.name.account.clone());
        let account = found(accounts::find(&mut conn, &name.0).await?, &name)?;
        let account = verified(&self.keys, account, &name)?;
        let Some(stored) = rotators::find(&mut conn, account.meta.uid).await? else {
            return Ok(Err("the account has no rotator any more".to_owned()));
        };
        let rotator = verified(&self.keys, stored, &format!("{name}/rotator"))?;
        if !rotators::count_request(&mut conn, account.meta.uid, ASKED_A_MINUTE_MAX).await? {
            let what =
                format!("{name}/rotator was asked {ASKED_A_MINUTE_MAX} times within a minute");
            return Err(Refusal::MinuteFull { what }.into());
        }
        let asking = Asking {
            rotation: turn.rotation.uid,
            key: turn.name.clone(),
            profile: account.profile.as_str(),
            number: turn.rotation.to_number,
            attempt: turn.rotation.epoch,
            wanted,
        };
        let request = self.signed(&rotator, &asking);
        Ok(request.map_err(|error| error.to_string()))
    }

    async fn is_still(&self, turn: &Turn) -> Result<bool> {
        let mut conn = acquire(&self.pool).await?;
        let (uid, epoch) = (turn.rotation.uid, turn.rotation.epoch);
        Ok(rotations::lock(&mut conn, uid, epoch).await?.is_some())
    }

    /// What the rotator answers.
    pub(super) async fn sent(
        &self,
        turn: &Turn,
        request: Request,
    ) -> std::result::Result<Answer, OutboundError> {
        tracing::info!(key = %turn.name, step = turn.rotation.step.as_str(), "a rotator is asked");
        self.outbound.send(request).await
    }

    fn signed(
        &self,
        rotator: &Rotator,
        asking: &Asking,
    ) -> std::result::Result<Request, OutboundError> {
        let malformed = OutboundError::Malformed;
        let url = url::Url::parse(&rotator.url).map_err(|_| malformed)?;
        let secret = self
            .keys
            .cluster
            .rotator_secret(&rotator.account_uid, rotator.generation);
        let secrets = WebhookSecrets::parse(&secret).map_err(|_| malformed)?;
        let (id, body) = (asking.id(), asking.body());
        let seconds = host_time().since(Timestamp::from_micros(0)).as_secs();
        let signature = secrets.sign(&id, seconds, &body);
        Request::post(url, rotator.allow_http, "application/json", body)
            .with_header("webhook-id", id.as_bytes())?
            .with_header("webhook-timestamp", seconds.to_string().as_bytes())?
            .with_header("webhook-signature", signature.as_bytes())
    }
}

/// Why there is no answer.
pub(super) fn unanswered(error: OutboundError) -> String {
    format!("the rotator: {error}")
}

/// What a status says. What is to be revoked and not known there is revoked.
pub(super) fn said(answer: Answer, is_revoking: bool) -> std::result::Result<Answer, String> {
    match answer.status {
        202 => Err("the rotator is not ready yet, and is asked again".to_owned()),
        200..300 => Ok(answer),
        404 | 410 if is_revoking => Ok(answer),
        status => Err(format!("the rotator answered {status}")),
    }
}

pub(super) fn failed(turn: Turn, why: String) -> Outcome {
    tracing::warn!(key = %turn.name, rotation = %turn.rotation.id, why, "a rotator was asked in vain");
    Outcome {
        summary: format!("waits for a person: {why}"),
        turn,
        event: Event::Failed(why),
    }
}

impl Verb for StoreMinted {
    type Answer = ();

    async fn apply(self, work: &mut Work<'_>) -> Result<Done<()>> {
        let (mut rotating, mut rotation, resource) = self.turn.hold(work).await?;
        let account =
            get_account::to_change(work, &AccountName(rotating.name.account.clone())).await?;
        same_parts::refuse_others(work, &rotating, &self.secret).await?;
        let secrets = [("secret".to_owned(), &self.secret)];
        sealing::refuse_known(work, None, &secrets).await?;
        let version_uid =
            store_pending(work, &account, &rotating.key, &rotation, &self.secret).await?;
        if !self.reference.is_empty() {
            let reference = Reference {
                version_uid,
                reference: self.reference,
            };
            let mac = work.keys.mac.of_row(&reference);
            rotators::refer(work.conn, &reference, &mac).await?;
        }
        come_back::spare(work, version_uid, &self.secret.fingerprint(work.keys)).await?;
        move_on(work, &mut rotating, &mut rotation, Event::Created).await?;
        Ok(Done {
            answer: (),
            resource,
            summary: format!("the rotator has made version {}", rotation.to_number),
        })
    }

    async fn replay(self, _work: &mut Work<'_>, _resource: &str) -> Result<()> {
        Ok(())
    }
}
