//! The longest that a call may take, refused in the words of the house: what tonic says of it has neither a reason nor a remedy.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tonic::codegen::{Service, http};
use tower::Layer;

use super::status;

/// Bounds the calls of the services below it, until their answers begin: streams go on for longer.
#[derive(Debug, Clone, Copy)]
pub struct CallBound(pub Duration);

/// A service whose calls are bounded.
#[derive(Debug, Clone)]
pub struct Bounded<S> {
    service: S,
    bound: Duration,
}

pin_project! {
    /// A call that is bounded.
    #[derive(Debug)]
    pub struct Bounding<F> {
        #[pin]
        call: F,
        #[pin]
        sleep: Sleep,
        bound: Duration,
    }
}

impl<S> Layer<S> for CallBound {
    type Service = Bounded<S>;

    fn layer(&self, service: S) -> Self::Service {
        Bounded {
            service,
            bound: self.0,
        }
    }
}

impl<S, A, B: Default> Service<http::Request<A>> for Bounded<S>
where
    S: Service<http::Request<A>, Response = http::Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Bounding<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<A>) -> Self::Future {
        Bounding {
            call: self.service.call(request),
            sleep: tokio::time::sleep(self.bound),
            bound: self.bound,
        }
    }
}

impl<F, B: Default, E> Future for Bounding<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.call.poll(cx) {
            return Poll::Ready(answer);
        }
        ready!(this.sleep.poll(cx));
        Poll::Ready(Ok(status::of_call_too_long(*this.bound).into_http()))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tonic::{Code, Status};
    use tonic_types::StatusExt;
    use tower::{ServiceExt, service_fn};

    use super::*;

    async fn called(takes: Duration) -> Option<Status> {
        let service = service_fn(move |_: http::Request<()>| async move {
            tokio::time::sleep(takes).await;
            Ok::<_, Infallible>(http::Response::new(()))
        });
        let bounded = CallBound(Duration::from_millis(50)).layer(service);
        let answer = bounded.oneshot(http::Request::new(())).await.unwrap();
        status::said(answer.headers())
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_is_refused_with_the_bound_a_reason_and_a_remedy() {
        let refused = called(Duration::from_secs(60)).await.unwrap();
        assert_eq!(refused.code(), Code::DeadlineExceeded);
        let info = refused.get_error_details().error_info().cloned().unwrap();
        assert_eq!(info.reason, "DEADLINE");
        assert_eq!(info.domain, "keylease");
        for part in ["longer than 50ms", "request_id"] {
            assert!(refused.message().contains(part), "{}", refused.message());
        }
    }

    #[tokio::test]
    async fn a_call_that_is_answered_in_time_is_left_alone() {
        assert!(called(Duration::ZERO).await.is_none());
    }
}
