//! A provider that is asked about keys: it answers as it is told, and remembers who asked for what with which key.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use parking_lot::Mutex;
use tokio::net::TcpListener;

/// A provider.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    answers: HashMap<String, Answer>,
    heard: Vec<(String, String)>,
}

/// What it answers.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) after: Duration,
}

impl Asked {
    /// One that knows every key.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            told: Arc::default(),
        };
        let router = Router::new().fallback(answer);
        let router = router.with_state(Arc::clone(&provider.told));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    /// Its base URL.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on it answers this to a key.
    pub(crate) fn tell(&self, key: &str, answer: Answer) {
        let bearer = format!("Bearer {key}");
        self.told.lock().answers.insert(bearer, answer);
    }

    /// How often it was asked with a key, if all that was asked is its list of models.
    pub(crate) fn times(&self, key: &str) -> usize {
        let bearer = format!("Bearer {key}");
        let told = self.told.lock();
        let of_key: Vec<_> = told.heard.iter().filter(|(_, b)| *b == bearer).collect();
        assert!(of_key.iter().all(|(path, _)| path == "GET /v1/models"));
        of_key.len()
    }

    /// How often it was asked at all.
    pub(crate) fn all(&self) -> usize {
        self.told.lock().heard.len()
    }
}

impl Answer {
    /// This status, with a body of JSON.
    pub(crate) fn of(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_owned(),
            after: Duration::ZERO,
        }
    }

    /// What a provider says to a key that it has revoked.
    pub(crate) fn invalid() -> Self {
        Self::of(
            401,
            r#"{"error":{"message":"Incorrect API key provided.","code":"invalid_api_key"}}"#,
        )
    }
}

async fn answer(State(told): State<Arc<Mutex<Told>>>, request: Request) -> Response {
    let bearer = request.headers().get("authorization");
    let bearer = bearer
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let asked = format!("{} {}", request.method(), request.uri());
    let answer = {
        let mut told = told.lock();
        told.heard.push((asked, bearer.clone()));
        told.answers.get(&bearer).cloned()
    };
    let answer = answer.unwrap_or_else(|| Answer::of(200, r#"{"object":"list","data":[]}"#));
    tokio::time::sleep(answer.after).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}
