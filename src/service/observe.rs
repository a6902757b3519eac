//! Counts every call of our own services by method and code, and measures how long it took to answer. Around authentication, so that
//! calls which that refuses are counted too.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use metrics::{Counter, Histogram, counter, histogram};
use pin_project_lite::pin_project;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::Code;
use tonic::codegen::{Service, http};
use tower::Layer;

use crate::metric_names;
use crate::proto;

/// gRPC's codes, as its own documents write them, by their number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Observes the services below it. Only methods of the contract are counted: a path that a caller made up must not become a label.
#[derive(Debug, Clone)]
pub struct Observe {
    methods: Arc<HashMap<String, Arc<Method>>>,
}

/// One method's figures.
#[derive(Debug)]
struct Method {
    name: String,
    seconds: Histogram,
    /// Made when first counted: most codes are never seen of most methods.
    codes: [OnceLock<Counter>; CODES.len()],
}

/// A service that is observed.
#[derive(Debug, Clone)]
pub struct Observed<S> {
    service: S,
    observe: Observe,
}

pin_project! {
    /// A call that is observed.
    #[derive(Debug)]
    pub struct Observing<F> {
        #[pin]
        call: F,
        method: Option<Arc<Method>>,
        began: Instant,
    }
}

impl Observe {
    /// Of all methods of the contract.
    #[must_use]
    pub fn new() -> Self {
        // It was encoded by this very build; without it nothing is observed, and a test fails.
        let files = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap_or_default();
        let mut methods = HashMap::new();
        for file in &files.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    methods.insert(path, Arc::new(Method::new(method.name())));
                }
            }
        }
        Self {
            methods: Arc::new(methods),
        }
    }
}

impl Default for Observe {
    fn default() -> Self {
        Self::new()
    }
}

impl Method {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seconds: histogram!(metric_names::RPC_SECONDS, "method" => name.to_owned()),
            codes: Default::default(),
        }
    }

    fn answered(&self, code: Code, began: Instant) {
        let number = code as usize;
        let counter = self.codes[number].get_or_init(
            || counter!(metric_names::RPCS, "method" => self.name.clone(), "code" => CODES[number]),
        );
        counter.increment(1);
        self.seconds.record(began.elapsed());
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, service: S) -> Self::Service {
        Observed {
            service,
            observe: self.clone(),
        }
    }
}

impl<S, A, B> Service<http::Request<A>> for Observed<S>
where
    S: Service<http::Request<A>, Response = http::Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Observing<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<A>) -> Self::Future {
        let began = Instant::now();
        let method = self
            .observe
            .methods
            .get(request.uri().path())
            .map(Arc::clone);
        Observing {
            method,
            began,
            call: self.service.call(request),
        }
    }
}

impl<F, B, E> Future for Observing<F>
where
    F: Future<Output = Result<http::Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.call.poll(cx));
        if let (Some(method), Ok(answer)) = (this.method, &answer) {
            // An error is known before the body; whoever answers well says so after it.
            let status = answer.headers().get(GRPC_STATUS);
            let code = status.map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes()));
            method.answered(code, *this.began);
        }
        Poll::Ready(answer)
    }
}

/// The header, or trailer, that says how a call ended.
const GRPC_STATUS: &str = "grpc-status";

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use metrics_exporter_prometheus::PrometheusBuilder;
    use tower::{ServiceExt, service_fn};

    use super::*;

    async fn call(observe: &Observe, path: &str, status: Option<&str>) {
        let answer = status.map(str::to_owned);
        let service = service_fn(move |_: http::Request<()>| {
            let mut response = http::Response::new(());
            if let Some(status) = &answer {
                let value = status.parse().unwrap();
                response.headers_mut().insert("grpc-status", value);
            }
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let request = http::Request::builder().uri(path).body(()).unwrap();
        observe.layer(service).oneshot(request).await.unwrap();
    }

    #[test]
    fn calls_are_counted_by_method_and_code_and_unknown_paths_are_not() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        metrics::with_local_recorder(&recorder, || {
            let observe = Observe::new();
            runtime.block_on(async {
                call(&observe, "/keylease.v1.LeaseService/LeaseKey", None).await;
                call(&observe, "/keylease.v1.LeaseService/LeaseKey", None).await;
                call(&observe, "/keylease.v1.AdminService/GetPool", Some("5")).await;
                call(&observe, "/keylease.v1.AdminService/Invented", Some("12")).await;
            });
        });
        let page = recorder.handle().render();
        let has = |line: &str| assert!(page.lines().any(|l| l == line), "{line} in {page}");
        has(r#"keylease_rpcs_total{method="LeaseKey",code="OK"} 2"#);
        has(r#"keylease_rpcs_total{method="GetPool",code="NOT_FOUND"} 1"#);
        has(r#"keylease_rpc_seconds_count{method="LeaseKey"} 2"#);
        assert!(!page.contains("Invented"));
    }

    #[test]
    fn codes_are_named_as_grpc_numbers_them() {
        for (number, name) in CODES.iter().enumerate() {
            let code = Code::from(i32::try_from(number).unwrap());
            let plain = format!("{code:?}").to_uppercase();
            assert_eq!(plain, name.replace('_', ""), "{number}");
        }
    }
}
