//! Says what tonic says by itself in the words of the house: a message that is too large or cannot be decoded, a method that nobody
//! serves, and a health check of a service that is not here, are the caller's to mend, and every refusal has a reason.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tonic::codegen::{Service, http};
use tonic::{Code, Status};
use tower::Layer;

use super::status;

/// Puts its words into the answers of the services below it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Restate;

/// A service whose answers are restated.
#[derive(Debug, Clone)]
pub struct Restated<S> {
    service: S,
}

pin_project! {
    /// A call whose answer is restated.
    #[derive(Debug)]
    pub struct Restating<F> {
        #[pin]
        call: F,
    }
}

impl<S> Layer<S> for Restate {
    type Service = Restated<S>;

    fn layer(&self, service: S) -> Self::Service {
        Restated { service }
    }
}

impl<S, A, B> Service<http::Request<A>> for Restated<S>
where
    S: Service<http::Request<A>, Response = http::Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Restating<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<A>) -> Self::Future {
        Restating {
            call: self.service.call(request),
        }
    }
}

impl<F, B, E> Future for Restating<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = ready!(self.project().call.poll(cx));
        if let Ok(answer) = &mut answer {
            restate(answer.headers_mut());
        }
        Poll::Ready(answer)
    }
}

/// Only what ends in its headers, and has no details: ours have some, and an answer that goes well says so after its body.
fn restate(headers: &mut http::HeaderMap) {
    if !headers.contains_key("grpc-status") || headers.contains_key("grpc-status-details-bin") {
        return;
    }
    let said = status::said(headers);
    let Some(status) = said.as_ref().and_then(of_transport) else {
        return;
    };
    let mut restated = headers.clone();
    // What cannot be written stays as it was.
    if status.add_header(&mut restated).is_ok() {
        *headers = restated;
    }
}

/// What tonic's own status means to a caller. `None` for what is none of these.
fn of_transport(said: &Status) -> Option<Status> {
    let (code, what) = (said.code(), said.message());
    if code == Code::OutOfRange {
        // It names what was found, and the limit.
        let bound = what.strip_prefix("Error, decoded message length ");
        Some(status::of_message_too_large(bound.unwrap_or(what)))
    } else if code == Code::Internal {
        Some(status::of_message_malformed(what))
    } else if code == Code::Unimplemented {
        Some(status::of_method_unknown(what))
    } else if code == Code::NotFound && what == "service not registered" {
        // What the health service says; ours never come without details.
        Some(status::of_service_unknown())
    } else {
        None
    }
}
