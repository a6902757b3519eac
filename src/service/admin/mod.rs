//! `AdminService`: one line per RPC says which right it needs and which function answers it. A function parses its request (all
//! field errors at once), calls the verb of the vault, and converts the answer.

mod account_message;
mod accounts;
mod alerts;
mod caller_message;
mod callers;
mod cost;
mod explain;
mod explanation_message;
mod faults;
mod health;
mod import;
mod incident_message;
mod key_message;
mod keys;
mod learned_limits;
mod limit_message;
mod limits;
mod master_keys;
mod mutation;
mod offline_share;
mod parse_caller;
mod parse_limit;
mod parse_pool;
mod pool_message;
mod pools;
mod price_message;
mod prices;
mod probe;
mod records;
mod rotations;
mod rotators;
mod seats;
mod status_message;
mod tokens;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status};

use super::auth;
use super::status;
use crate::domain::caller::Right;
use crate::domain::endpoint::upstreams::Upstreams;
use crate::proto;
use crate::proto::admin_service_server::AdminService;
use crate::store::connection::{ANSWER_WITHIN, CHANGE_WITHIN, in_time};
use crate::vault::{Alerting, Error, Vault};

/// The admin service of one replica.
#[derive(Debug, Clone)]
pub struct Admin {
    vault: Arc<Vault>,
    upstreams: Upstreams,
    alerting: Arc<Alerting>,
    watches: seats::Seats,
}

/// The outcome of an RPC before it becomes a `Status`.
type Answer<T> = Result<T, Error>;

impl Admin {
    /// The admin service over a vault, whose accounts may have these upstreams, and whose alerts go there.
    #[must_use]
    pub fn new(vault: Arc<Vault>, upstreams: Upstreams, alerting: Arc<Alerting>) -> Self {
        Self {
            vault,
            upstreams,
            alerting,
            watches: seats::Seats::default(),
        }
    }
}

/// A change is made to its end all the same, or to the time that it has itself.
fn answer_within(right: Right) -> Duration {
    match right {
        Right::Read => ANSWER_WITHIN,
        Right::Operate | Right::Administer => CHANGE_WITHIN + ANSWER_WITHIN,
    }
}

/// The service from a table of `rpc(Request) -> Response: right needed => function that answers;`.
macro_rules! admin_service {
    ($($rpc:ident($request:ident) -> $response:ident: $right:ident => $handler:path;)+) => {
        #[tonic::async_trait]
        impl AdminService for Admin {
            $(async fn $rpc(
                &self,
                request: Request<proto::$request>,
            ) -> Result<Response<proto::$response>, Status> {
                let identity = auth::require(&request, Right::$right)
                    .map_err(|refusal| status::of_refusal(&refusal))?;
                let answer: Answer<proto::$response> =
                    in_time(answer_within(Right::$right), $handler(self, &identity, request.into_inner())).await;
                answer.map(Response::new).map_err(status::of_error)
            })+

            async fn explain_lease(
                &self,
                request: Request<proto::ExplainLeaseRequest>,
            ) -> Result<Response<proto::ExplainLeaseResponse>, Status> {
                let identity = auth::identity(&request)
                    .map_err(|refusal| status::of_refusal(&refusal))?
                    .clone();
                let answer = explain::explain(self, &identity, request.into_inner()).await;
                answer.map(Response::new)
            }

            type WatchStatusStream = watch::Statuses;

            async fn watch_status(
                &self,
                request: Request<proto::WatchStatusRequest>,
            ) -> Result<Response<Self::WatchStatusStream>, Status> {
                let identity = auth::require(&request, Right::Read)
                    .map_err(|refusal| status::of_refusal(&refusal))?;
                let answer = watch::watch(self, identity, request.into_inner()).await;
                answer.map(Response::new).map_err(status::of_error)
            }
        }
    };
}

admin_service! {
    create_account(CreateAccountRequest) -> CreateAccountResponse: Administer => accounts::create;
    get_account(GetAccountRequest) -> GetAccountResponse: Read => accounts::get;
    list_accounts(ListAccountsRequest) -> ListAccountsResponse: Read => accounts::list;
    update_account(UpdateAccountRequest) -> UpdateAccountResponse: Administer => accounts::update;
    delete_account(DeleteAccountRequest) -> DeleteAccountResponse: Administer => accounts::delete;
    disable_account(DisableAccountRequest) -> DisableAccountResponse: Operate => accounts::disable;
    enable_account(EnableAccountRequest) -> EnableAccountResponse: Operate => accounts::enable;
    create_key(CreateKeyRequest) -> CreateKeyResponse: Administer => keys::create;
    get_key(GetKeyRequest) -> GetKeyResponse: Read => keys::get;
    list_keys(ListKeysRequest) -> ListKeysResponse: Read => keys::list;
    update_key(UpdateKeyRequest) -> UpdateKeyResponse: Administer => keys::update;
    delete_key(DeleteKeyRequest) -> DeleteKeyResponse: Administer => keys::delete;
    disable_key(DisableKeyRequest) -> DisableKeyResponse: Operate => keys::disable;
    enable_key(EnableKeyRequest) -> EnableKeyResponse: Operate => keys::enable;
    create_pool(CreatePoolRequest) -> CreatePoolResponse: Administer => pools::create;
    get_pool(GetPoolRequest) -> GetPoolResponse: Read => pools::get;
    list_pools(ListPoolsRequest) -> ListPoolsResponse: Read => pools::list;
    update_pool(UpdatePoolRequest) -> UpdatePoolResponse: Administer => pools::update;
    delete_pool(DeletePoolRequest) -> DeletePoolResponse: Administer => pools::delete;
    disable_pool(DisablePoolRequest) -> DisablePoolResponse: Operate => pools::disable;
    enable_pool(EnablePoolRequest) -> EnablePoolResponse: Operate => pools::enable;
    create_caller(CreateCallerRequest) -> CreateCallerResponse: Administer => callers::create;
    get_caller(GetCallerRequest) -> GetCallerResponse: Read => callers::get;
    list_callers(ListCallersRequest) -> ListCallersResponse: Read => callers::list;
    update_caller(UpdateCallerRequest) -> UpdateCallerResponse: Administer => callers::update;
    delete_caller(DeleteCallerRequest) -> DeleteCallerResponse: Administer => callers::delete;
    disable_caller(DisableCallerRequest) -> DisableCallerResponse: Operate => callers::disable;
    enable_caller(EnableCallerRequest) -> EnableCallerResponse: Operate => callers::enable;
    create_limit(CreateLimitRequest) -> CreateLimitResponse: Administer => limits::create;
    get_limit(GetLimitRequest) -> GetLimitResponse: Read => limits::get;
    list_limits(ListLimitsRequest) -> ListLimitsResponse: Read => limits::list;
    list_learned_limits(ListLearnedLimitsRequest) -> ListLearnedLimitsResponse: Read => learned_limits::list;
    update_limit(UpdateLimitRequest) -> UpdateLimitResponse: Administer => limits::update;
    delete_limit(DeleteLimitRequest) -> DeleteLimitResponse: Administer => limits::delete;
    get_key_version(GetKeyVersionRequest) -> GetKeyVersionResponse: Read => rotations::get_version;
    list_key_versions(ListKeyVersionsRequest) -> ListKeyVersionsResponse: Read => rotations::list_versions;
    move_key(MoveKeyRequest) -> MoveKeyResponse: Administer => keys::move_to;
    import_keys(ImportKeysRequest) -> ImportKeysResponse: Administer => import::import;
    rotate_key(RotateKeyRequest) -> RotateKeyResponse: Operate => rotations::rotate;
    get_rotation(GetRotationRequest) -> GetRotationResponse: Read => rotations::get;
    list_rotations(ListRotationsRequest) -> ListRotationsResponse: Read => rotations::list;
    cancel_rotation(CancelRotationRequest) -> CancelRotationResponse: Operate => rotations::cancel;
    retry_rotation(RetryRotationRequest) -> RetryRotationResponse: Operate => rotations::retry;
    set_rotator(SetRotatorRequest) -> SetRotatorResponse: Administer => rotators::set;
    get_rotator(GetRotatorRequest) -> GetRotatorResponse: Read => rotators::get;
    delete_rotator(DeleteRotatorRequest) -> DeleteRotatorResponse: Administer => rotators::delete;
    rollback_key(RollbackKeyRequest) -> RollbackKeyResponse: Operate => rotations::roll_back;
    clear_health(ClearHealthRequest) -> ClearHealthResponse: Operate => health::clear;
    list_health_changes(ListHealthChangesRequest) -> ListHealthChangesResponse: Read => health::list;
    probe_key(ProbeKeyRequest) -> ProbeKeyResponse: Operate => probe::probe;
    create_token(CreateTokenRequest) -> CreateTokenResponse: Administer => tokens::create;
    list_tokens(ListTokensRequest) -> ListTokensResponse: Read => tokens::list;
    revoke_token(RevokeTokenRequest) -> RevokeTokenResponse: Administer => tokens::revoke;
    get_cost(GetCostRequest) -> GetCostResponse: Read => cost::get;
    set_price(SetPriceRequest) -> SetPriceResponse: Administer => prices::set;
    delete_price(DeletePriceRequest) -> DeletePriceResponse: Administer => prices::delete;
    list_prices(ListPricesRequest) -> ListPricesResponse: Read => prices::list;
    get_status(GetStatusRequest) -> GetStatusResponse: Read => watch::get;
    get_master_key_status(GetMasterKeyStatusRequest) -> GetMasterKeyStatusResponse: Read => master_keys::status;
    promote_master_key(PromoteMasterKeyRequest) -> PromoteMasterKeyResponse: Administer => master_keys::promote;
    rewrap_keys(RewrapKeysRequest) -> RewrapKeysResponse: Administer => master_keys::rewrap;
    cancel_rewrap(CancelRewrapRequest) -> CancelRewrapResponse: Administer => master_keys::cancel;
    retire_master_key(RetireMasterKeyRequest) -> RetireMasterKeyResponse: Administer => master_keys::retire;
    list_alerts(ListAlertsRequest) -> ListAlertsResponse: Read => alerts::list;
    send_test_alert(SendTestAlertRequest) -> SendTestAlertResponse: Operate => alerts::test;
    list_audit_records(ListAuditRecordsRequest) -> ListAuditRecordsResponse: Read => records::audit;
}
