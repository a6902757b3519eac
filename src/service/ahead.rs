//! Calls of one service that go past the router of the others: the router would take as long as it takes to choose a key.

use std::task::{Context, Poll, ready};

use tokio_util::either::Either;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Bytes, Service, StdError, http};
use tonic::server::NamedService;
use tower::Layer;
use tower::util::MapResponse;

/// Puts this service ahead of the router.
#[derive(Debug, Clone)]
pub struct Ahead<A>(pub A);

/// A service ahead of others.
#[derive(Debug, Clone)]
pub struct Forked<A, S> {
    name: &'static str,
    ahead: A,
    others: S,
}

/// Answers as the router does.
type AsRouted<A, R> = MapResponse<A, fn(http::Response<R>) -> http::Response<Body>>;

impl<A, S, R> Layer<S> for Ahead<A>
where
    A: Service<http::Request<Body>, Response = http::Response<R>> + NamedService + Clone,
    R: HttpBody<Data = Bytes, Error: Into<StdError>> + Send + 'static,
{
    type Service = Forked<AsRouted<A, R>, S>;

    fn layer(&self, others: S) -> Self::Service {
        Forked {
            name: A::NAME,
            ahead: MapResponse::new(self.0.clone(), |answer| answer.map(Body::new)),
            others,
        }
    }
}

impl<A, S> Service<http::Request<Body>> for Forked<A, S>
where
    A: Service<http::Request<Body>>,
    S: Service<http::Request<Body>, Response = A::Response, Error = A::Error>,
{
    type Response = A::Response;
    type Error = A::Error;
    type Future = Either<A::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        ready!(self.ahead.poll_ready(cx))?;
        self.others.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match is_of(request.uri().path(), self.name) {
            true => Either::Left(self.ahead.call(request)),
            false => Either::Right(self.others.call(request)),
        }
    }
}

/// Whether a path names a method of this service.
fn is_of(path: &str, service: &str) -> bool {
    let method = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(service));
    method.is_some_and(|method| method.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_methods_of_the_service_go_ahead() {
        let is_ahead = |path| is_of(path, "a.v1.Leases");
        assert!(is_ahead("/a.v1.Leases/LeaseKey"));
        assert!(is_ahead("/a.v1.Leases/"));
        for path in [
            "",
            "/",
            "/a.v1.Leases",
            "/a.v1.LeasesToo/LeaseKey",
            "a.v1.Leases/LeaseKey",
            "//a.v1.Leases/LeaseKey",
        ] {
            assert!(!is_ahead(path), "{path}");
        }
    }
}
