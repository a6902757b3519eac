//! Requests of our own: one at a time to an address that was checked, over a connection of its own, with every step bounded.
//!
//! What is sent carries secrets, and what comes back is not trusted. So there is no proxy, no redirect, no cookie, no compression and no
//! connection that is used again; names are resolved here, once, and what was checked is what is connected to.

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{HeaderMap, Method, http};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use self::connect::{Stream, Way};
pub use self::error::OutboundError;
pub use self::names::Names;
pub use self::tls::{Authorities, AuthorityError};
use crate::domain::classify::BODY_BYTES_MAX;
use crate::domain::endpoint::upstreams::Upstreams;

mod connect;
mod error;
mod names;
mod tls;

/// From the question for an address to the end of the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// More headers than these are an attack or a mistake.
const HEADERS_MAX: usize = 100;
/// All that is held of an answer at once, its headers included.
const BUFFER_BYTES_MAX: usize = 32 * 1024;

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Outbound {
    way: Way,
}

/// A request. What it is about to say may be secret, so nothing of it is printed.
pub struct Request {
    url: Url,
    allow_http: bool,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer, or its beginning. Providers quote keys in bodies: it is judged, and never kept or printed.
pub struct Answer {
    /// 100 to 599.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// At most [`BODY_BYTES_MAX`] bytes.
    pub body: Vec<u8>,
}

impl Outbound {
    /// Sends to these upstreams alone, at the addresses that the system knows their names by.
    #[must_use]
    pub fn new(upstreams: Upstreams) -> Self {
        Self::with_names(upstreams, Names::System)
    }

    /// The same, where names have these addresses.
    #[must_use]
    pub fn with_names(upstreams: Upstreams, names: Names) -> Self {
        Self::trusting(upstreams, names, &Authorities::default())
    }

    /// The same, where hosts are believed that these vouch for.
    #[must_use]
    pub fn trusting(upstreams: Upstreams, names: Names, authorities: &Authorities) -> Self {
        let way = Way::new(upstreams, names, tls::trusting(authorities));
        Self { way }
    }

    /// Sends a request, and reads the answer as far as anybody looks at it. It takes 10 s at most.
    ///
    /// # Errors
    /// It was not sent, or was not answered: see [`OutboundError`].
    pub async fn send(&self, request: Request) -> Result<Answer, OutboundError> {
        let answered = timeout(ANSWER_WITHIN, self.exchange(request)).await;
        answered.unwrap_or(Err(OutboundError::Timeout))
    }

    async fn exchange(&self, request: Request) -> Result<Answer, OutboundError> {
        let stream = self.way.connect(&request.url, request.allow_http).await?;
        let request = request.written()?;
        match stream {
            Stream::Plain(stream) => over(stream, request).await,
            Stream::Tls(stream) => over(*stream, request).await,
        }
    }
}

/// To other machines alone.
impl Default for Outbound {
    fn default() -> Self {
        Self::new(Upstreams::Remote)
    }
}

/// One request over a connection, which ends with it.
async fn over<S>(stream: S, request: http::Request<Full<Bytes>>) -> Result<Answer, OutboundError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let unreadable = |_: hyper::Error| OutboundError::Unreadable;
    let io = hyper_util::rt::TokioIo::new(stream);
    let handshake = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .handshake(io);
    let (mut sender, connection) = handshake.await.map_err(unreadable)?;
    // Dropped at the end of this function, whatever the other side still sends.
    let _driving = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(unreadable)?;
    read(response).await
}

async fn read(response: http::Response<Incoming>) -> Result<Answer, OutboundError> {
    let (head, mut incoming) = response.into_parts();
    // All of it at once: growing would leave copies behind, and it may be a secret.
    let mut body = Vec::with_capacity(BODY_BYTES_MAX);
    while body.len() < BODY_BYTES_MAX {
        let Some(frame) = incoming.frame().await else {
            break;
        };
        let frame = frame.map_err(|_| OutboundError::Unreadable)?;
        if let Some(data) = frame.data_ref() {
            let room = BODY_BYTES_MAX - body.len();
            body.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    Ok(Answer {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body,
    })
}

impl Request {
    /// Asks for a page. Plain http is refused unless it is allowed.
    #[must_use]
    pub fn get(url: Url, allow_http: bool) -> Self {
        Self::new(Method::GET, url, allow_http, Bytes::new())
    }

    /// Sends a body, such as `application/json`.
    #[must_use]
    pub fn post(url: Url, allow_http: bool, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut request = Self::new(Method::POST, url, allow_http, body.into());
        let content_type = http::HeaderValue::from_static(content_type);
        request.headers.insert(CONTENT_TYPE, content_type);
        request
    }

    fn new(method: Method, url: Url, allow_http: bool, body: Bytes) -> Self {
        Self {
            url,
            allow_http,
            method,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// With a header besides, which may be secret.
    ///
    /// # Errors
    /// It cannot be sent as a header; the error says nothing of it.
    pub fn with_header(mut self, name: &str, value: &[u8]) -> Result<Self, OutboundError> {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let value = http::HeaderValue::from_bytes(value);
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err(OutboundError::Malformed);
        };
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// As it goes over the connection. What steers that is ours alone.
    fn written(mut self) -> Result<http::Request<Full<Bytes>>, OutboundError> {
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        let host = http::HeaderValue::from_str(host).map_err(|_| OutboundError::Malformed)?;
        self.headers.insert(HOST, host);
        let agent = concat!("keylease/", env!("CARGO_PKG_VERSION"));
        for (name, value) in [
            (USER_AGENT, agent),
            (ACCEPT, "application/json, */*;q=0.5"),
            (ACCEPT_ENCODING, "identity"),
            (CONNECTION, "close"),
        ] {
            let value = http::HeaderValue::from_static(value);
            self.headers.insert(name, value);
        }
        let target = &self.url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = http::Request::new(Full::new(self.body));
        *request.uri_mut() = target.parse().map_err(|_| OutboundError::Malformed)?;
        *request.method_mut() = self.method;
        *request.headers_mut() = self.headers;
        Ok(request)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({}, redacted)", self.method)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({}, redacted)", self.status)
    }
}

#[cfg(test)]
mod tests;
