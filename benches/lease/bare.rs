//! The bare server: tonic, and messages of the same size that nobody looks into. With a database it becomes the other yardstick, a
//! vault that asks Postgres for every lease.

use std::convert::Infallible;
use std::io::Write;
use std::task::{Context, Poll};

use keylease::app::serve;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Bytes, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// As many transactions at once as one hot row bears.
const CONNECTIONS_MAX: u32 = 10;
/// Where the bare server answers.
pub(crate) const PATH: &str = "/bench.Bare/Answer";
/// The cheapest honest form of a transaction per lease: one statement, one round trip, that takes from both limits of an account or from
/// none, and keeps the lease, since somebody will report on it. It keeps no window, which a real one must: that would make it slower.
const TAKE: &str = "with taken as (update bench_budgets set requests = requests + 1, tokens = tokens + 2000 \
         where account = 1 and requests + 1 <= 1000000000000 and tokens + 2000 <= 1000000000000000 returning account) \
     insert into bench_leases (account, units, report_until) select account, 2000, now() + interval '10 minutes' from taken";
/// Room in the page for new versions of the row, so that no index is touched.
const TABLES: &str = "drop table if exists bench_budgets, bench_leases; \
     create table bench_budgets (account int primary key, requests bigint not null, tokens bigint not null) with (fillfactor = 10); \
     create table bench_leases (lease bigint generated always as identity primary key, account int not null, units bigint not null, \
         report_until timestamptz not null); \
     insert into bench_budgets values (1, 0, 0)";

/// How the bare server serves.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Bytes of its answer.
    #[arg(long)]
    answer_bytes: usize,
    /// Makes one transaction per call here.
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
    database: Option<PgPool>,
}

/// Serves until it is killed.
pub(crate) async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    let database = match arguments.database {
        Some(url) => Some(prepare(&url).await?),
        None => None,
    };
    let bare = Bare {
        answer: payload(arguments.answer_bytes),
        database,
    };
    let listener = TcpListener::bind(crate::LOOPBACK).await?;
    let listen = serde_json::json!({"listen": listener.local_addr()?.to_string()});
    writeln!(std::io::stderr(), "{listen}")?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = serve::server(None, 0)?.add_service(bare);
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

async fn prepare(url: &str) -> anyhow::Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX);
    let pool = pool.min_connections(CONNECTIONS_MAX).connect(url).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    Ok(pool)
}

impl UnaryService<Payload> for Bare {
    type Response = Payload;
    type Future = BoxFuture<Response<Payload>, Status>;

    fn call(&mut self, request: Request<Payload>) -> Self::Future {
        let Self { answer, database } = self.clone();
        Box::pin(async move {
            drop(request);
            if let Some(database) = database {
                take(&database).await?;
            }
            Ok(Response::new(answer))
        })
    }
}

async fn take(database: &PgPool) -> Result<(), Status> {
    match sqlx::query(TAKE).execute(database).await {
        Ok(done) if done.rows_affected() == 1 => Ok(()),
        Ok(_) => Err(Status::resource_exhausted("a limit is used up")),
        Err(error) => Err(Status::unavailable(error.to_string())),
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
