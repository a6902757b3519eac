//! Why a request was not sent, or not answered. Nothing here quotes a URL, a header or a body.

use std::net::IpAddr;

/// Why a request was not sent, or not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Not sent: the URL, a header or the method is none.
    #[error("the request cannot be written as HTTP")]
    Malformed,
    /// Not sent: it would go in clear.
    #[error("it is plain http, which sends secrets in clear and was not allowed")]
    PlainHttp,
    /// Not sent: the name has an address that nothing is ever sent to.
    #[error("the host has the address {0}, which nothing is sent to")]
    Forbidden(IpAddr),
    /// Not sent: the name has no address.
    #[error("the name of the host has no address")]
    Unresolved,
    /// Not sent: nobody listens there, or not in time.
    #[error("no connection to the host")]
    Unreachable,
    /// Not sent: no TLS, or not with whom it should be.
    #[error("the host has no certificate that is valid for its name")]
    Untrusted,
    /// It may have been sent, and was not answered in time.
    #[error("no answer in time")]
    Timeout,
    /// It may have been sent, and what came back is not HTTP, or larger than any answer.
    #[error("the answer is not HTTP, or has more headers than any")]
    Unreadable,
}
