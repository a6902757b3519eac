//! Authentication: a token in the metadata becomes an [`Identity`]. Costs a hash and two look-ups in memory.

use std::sync::Arc;

use tonic::service::Interceptor;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Extensions, Request, Status};

use super::auth::Identity;
use super::status;
use crate::crypto::CallerToken;
use crate::domain::caller::{Bearer, Right};
use crate::domain::time::Timestamp;
use crate::live::snapshot::Snapshot;
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
    fn bearer(&self, presented: &[u8], snapshot: &Snapshot, now: Timestamp) -> Option<Bearer> {
        let presented = CallerToken::parse(presented).ok()?;
        let token = snapshot.tokens.get(presented.id)?;
        if !self.vault.keys().pepper.verify(&presented, &token.hash) {
            return None;
        }
        let caller = snapshot.owner(token, now)?;
        Some(Bearer {
            caller: Arc::clone(caller),
            token: Some(Arc::clone(token)),
        })
    }
}

impl Interceptor for Authenticate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization");
        let header = header.ok_or_else(|| status::of_refusal(&Refusal::TokenMissing))?;
        let presented = header.as_bytes().strip_prefix(b"Bearer ");
        let live = self.vault.live();
        let now = live.now();
        // Who was let in long ago may have been shut out since.
        let snapshot = live.fresh_snapshot(now.boot);
        let snapshot = snapshot.ok_or_else(|| status::of_refusal(&Refusal::SnapshotStale))?;
        let bearer = presented.and_then(|token| self.bearer(token, &snapshot, now.database));
        let bearer = bearer.ok_or_else(|| status::of_refusal(&Refusal::TokenRejected))?;
        let source = source(request.extensions());
        request.extensions_mut().insert(Identity {
            bearer,
            source,
            asked: Right::Administer,
        });
        Ok(request)
    }
}

fn source(extensions: &Extensions) -> Option<std::net::SocketAddr> {
    let plain = extensions.get::<TcpConnectInfo>();
    let tls = extensions.get::<TlsConnectInfo<TcpConnectInfo>>();
    let info = plain.or_else(|| tls.map(TlsConnectInfo::get_ref));
    info.and_then(TcpConnectInfo::remote_addr)
}
