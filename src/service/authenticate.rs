//! Authentication: a token in the metadata becomes an [`Identity`]. Costs a hash and two look-ups in memory.

use std::sync::Arc;

use tonic::service::Interceptor;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Extensions, Request, Status};

use super::auth::Identity;
use super::status;
use crate::crypto::CallerToken;
use crate::domain::caller::Caller;
use crate::domain::disablement::is_disabled;
use crate::vault::{Refusal, Vault};

/// Puts the identity of its caller into every request, or refuses it.
#[derive(Debug, Clone)]
pub struct Authenticate {
    vault: Arc<Vault>,
}

impl Authenticate {
    /// With the tokens of this vault.
    #[must_use]
    pub const fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }

    /// Every reason to refuse a token looks the same from outside.
    fn caller(&self, presented: &[u8]) -> Option<Arc<Caller>> {
        let presented = CallerToken::parse(presented).ok()?;
        let live = self.vault.live();
        let snapshot = live.glance();
        let token = snapshot.tokens.get(presented.id)?;
        if !self.vault.keys().pepper.verify(&presented, &token.hash) {
            return None;
        }
        let now = live.now().database;
        let caller = snapshot.callers.get(&token.caller_uid)?;
        let is_good = token.is_good(now) && !is_disabled(caller.disablement.as_ref(), now);
        is_good.then(|| Arc::clone(caller))
    }
}

impl Interceptor for Authenticate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization");
        let header = header.ok_or_else(|| status::of_refusal(&Refusal::TokenMissing))?;
        let presented = header.as_bytes().strip_prefix(b"Bearer ");
        let caller = presented.and_then(|token| self.caller(token));
        let caller = caller.ok_or_else(|| status::of_refusal(&Refusal::TokenRejected))?;
        let source = source(request.extensions());
        request.extensions_mut().insert(Identity { caller, source });
        Ok(request)
    }
}

fn source(extensions: &Extensions) -> Option<std::net::SocketAddr> {
    let plain = extensions.get::<TcpConnectInfo>();
    let tls = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
    let info = plain.or_else(|| tls.map(TlsConnectInfo::get_ref));
    info.and_then(TcpConnectInfo::remote_addr)
}
