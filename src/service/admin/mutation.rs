//! What every mutation carries: a request id, `validate_only`, and a reason.

use zeroize::Zeroize;

use crate::crypto::Secret;
use crate::domain::field::{FieldError, FieldErrors, text};
use crate::proto;
use crate::service::auth::Identity;
use crate::vault::{Change, Request};

const REQUEST_ID_BYTES_MAX: usize = 128;
pub(super) const REASON_BYTES_MAX: usize = 512;

/// A request that changes something.
pub(super) trait Mutation: prost::Message {
    /// The RPC.
    const METHOD: &'static str;
    fn request_id(&self) -> &str;
    fn is_validate_only(&self) -> bool;
    fn reason(&self) -> &str;
}

/// What is common to all mutations.
pub(super) fn change<M: Mutation>(
    errors: &mut FieldErrors,
    identity: &Identity,
    message: &M,
) -> Change {
    let reason = text("reason", message.reason().to_owned(), REASON_BYTES_MAX);
    let request = request(message);
    Change {
        caller: identity.caller_ref(),
        proof: identity.proof(),
        method: M::METHOD,
        source: identity.source(),
        request: errors.take(request).flatten(),
        validate_only: message.is_validate_only(),
        reason: errors.take(reason).unwrap_or_default(),
    }
}

fn request<M: Mutation>(message: &M) -> Result<Option<Request>, FieldError> {
    if message.request_id().is_empty() {
        return Ok(None);
    }
    let id = text(
        "request_id",
        message.request_id().to_owned(),
        REQUEST_ID_BYTES_MAX,
    )?;
    // Maps are ordered, so that the bytes of the same request are the same. The buffer is as long as it has to be from the start:
    // one that grew would leave copies of secrets behind.
    let mut payload = Vec::with_capacity(message.encoded_len());
    if message.encode(&mut payload).is_err() {
        payload.zeroize();
        return Err(FieldError::new(
            "request_id",
            "cannot be used with this request",
        ));
    }
    Ok(Some(Request {
        id,
        payload: Secret::new(payload),
    }))
}

macro_rules! mutations {
    ($($message:ident => $method:literal;)+) => {$(
        impl Mutation for proto::$message {
            const METHOD: &'static str = $method;

            fn request_id(&self) -> &str {
                &self.request_id
            }

            fn is_validate_only(&self) -> bool {
                self.validate_only
            }

            fn reason(&self) -> &str {
                &self.reason
            }
        }
    )+};
}

mutations! {
    CreateAccountRequest => "CreateAccount";
    UpdateAccountRequest => "UpdateAccount";
    DeleteAccountRequest => "DeleteAccount";
    DisableAccountRequest => "DisableAccount";
    EnableAccountRequest => "EnableAccount";
    CreateKeyRequest => "CreateKey";
    UpdateKeyRequest => "UpdateKey";
    DeleteKeyRequest => "DeleteKey";
    DisableKeyRequest => "DisableKey";
    EnableKeyRequest => "EnableKey";
    CreatePoolRequest => "CreatePool";
    UpdatePoolRequest => "UpdatePool";
    DeletePoolRequest => "DeletePool";
    DisablePoolRequest => "DisablePool";
    EnablePoolRequest => "EnablePool";
    CreateCallerRequest => "CreateCaller";
    UpdateCallerRequest => "UpdateCaller";
    DeleteCallerRequest => "DeleteCaller";
    DisableCallerRequest => "DisableCaller";
    EnableCallerRequest => "EnableCaller";
    CreateLimitRequest => "CreateLimit";
    UpdateLimitRequest => "UpdateLimit";
    DeleteLimitRequest => "DeleteLimit";
    MoveKeyRequest => "MoveKey";
    ImportKeysRequest => "ImportKeys";
    RotateKeyRequest => "RotateKey";
    CancelRotationRequest => "CancelRotation";
    RetryRotationRequest => "RetryRotation";
    SetRotatorRequest => "SetRotator";
    DeleteRotatorRequest => "DeleteRotator";
    RollbackKeyRequest => "RollbackKey";
    ClearHealthRequest => "ClearHealth";
    CreateTokenRequest => "CreateToken";
    RevokeTokenRequest => "RevokeToken";
    SetPriceRequest => "SetPrice";
    DeletePriceRequest => "DeletePrice";
    PromoteMasterKeyRequest => "PromoteMasterKey";
    RewrapKeysRequest => "RewrapKeys";
    CancelRewrapRequest => "CancelRewrap";
    RetireMasterKeyRequest => "RetireMasterKey";
}
