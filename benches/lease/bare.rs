//! The bare server: tonic, and messages of the same size that nobody looks into. With a database it becomes the other yardstick, a
//! vault that asks Postgres for every lease.

use std::convert::Infallible;
use std::io::Write;
use std::task::{Context, Poll};

use keylease::app::serve;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Bytes, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::baseline::{Baseline, Kind};

/// Where the bare server answers.
pub(crate) const PATH: &str = "/bench.Bare/Answer";
/// How the bare server serves.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Bytes of its answer.
    #[arg(long)]
    answer_bytes: usize,
    /// Makes one transaction per call, and keeps limits like this.
    #[arg(long, requires = "database")]
    baseline: Option<Kind>,
    /// Where.
    #[arg(long)]
    database: Option<String>,
}

/// Any message, as one field of bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct Payload {
    #[prost(bytes = "bytes", tag = "1")]
    bytes: Bytes,
}

/// The server's one method.
#[derive(Debug, Clone)]
struct Bare {
    answer: Payload,
    baseline: Option<Baseline>,
}

/// Serves until it is killed.
pub(crate) async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let baseline = match (arguments.baseline, arguments.database) {
        (Some(kind), Some(url)) => Some(Baseline::new(kind, &url).await?),
        _ => None,
    };
    let bare = Bare {
        answer: payload(arguments.answer_bytes),
        baseline,
    };
    let listener = TcpListener::bind(crate::LOOPBACK).await?;
    let listen = serde_json::json!({"listen": listener.local_addr()?.to_string()});
    writeln!(std::io::stderr(), "{listen}")?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = serve::server(0).add_service(bare);
    Ok(server.serve_with_incoming(incoming).await?)
}

/// A message of so many bytes, and so many of a request in a body for a load generator.
pub(crate) fn message(bytes: usize) -> Vec<u8> {
    prost::Message::encode_to_vec(&payload(bytes))
}

/// Its tag takes a byte and its length one or two.
fn payload(bytes: usize) -> Payload {
    let overhead = if bytes < 130 { 2 } else { 3 };
    Payload {
        bytes: vec![b'x'; bytes.saturating_sub(overhead)].into(),
    }
}

impl UnaryService<Payload> for Bare {
    type Response = Payload;
    type Future = BoxFuture<Response<Payload>, Status>;

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        let Self { answer, baseline } = self.clone();
        Box::pin(async move {
            drop(request);
            if let Some(baseline) = baseline {
                baseline.take().await?;
            }
            Ok(Response::new(answer))
        })
    }
}

impl NamedService for Bare {
    const NAME: &'static str = "bench.Bare";
}

impl Service<http::Request<Body>> for Bare {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<Payload, Payload>::default();
            Ok(Grpc::new(codec).unary(method, request).await)
        })
    }
}
