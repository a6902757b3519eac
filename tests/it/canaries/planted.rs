//! Where secrets go in, rightly and wrongly.

use keylease::proto::outcome::Result as Seen;
use keylease::proto::{
    self, HttpHeader, HttpResult, LeaseKeyRequest, LeaseKeyResponse, Outcome, TransportFailure,
};
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Status};

use crate::harness::canary::check;
use crate::harness::client::{Client, of, reporting};
use crate::harness::cluster::{Cluster, eventually};
use crate::harness::keys::{openai, secret};
use crate::harness::outcomes::{http, success};

const IMPORTED: &str = "sk-Canary_Imported_q7Zr2Xw9Lm4Tb8";
const CREATED: &str = "sk-Canary_Created_v3Kd6Py1Hn5Gs0";
const ROTATED: &str = "sk-Canary_Rotated_b9Wf4Jc7Qe2Ux6";
const NEVER_TAKEN: &str = "sk-Canary_Refused_m1Ra8Vt3Zo5Ny7";

/// A vault that logs all it can, with everything that somebody was told in refusals.
pub(super) struct Planted {
    pub(super) cluster: Cluster,
    pub(super) admin: Client,
    pub(super) caller: Client,
    pub(super) secrets: Vec<String>,
    pub(super) told: Vec<Status>,
}

impl Planted {
    pub(super) async fn new() -> Self {
        let cluster = Cluster::logging(2, "trace").await;
        let admin = cluster.admin().await;
        let token = admin.create_lessee("search", "*").await;
        let caller = cluster.client(0, &token).await;
        let provider_keys = [IMPORTED, CREATED, ROTATED, NEVER_TAKEN].map(str::to_owned);
        let tokens = [token, cluster.admin_token.clone()];
        // The secret part alone too: what stands between the id and the end.
        let parts = tokens
            .iter()
            .map(|token| token.rsplit('_').next().unwrap()[..24].to_owned());
        let parts: Vec<_> = parts.collect();
        Self {
            cluster,
            admin,
            caller,
            secrets: [&provider_keys[..], &tokens, &parts].concat(),
            told: Vec::new(),
        }
    }

    /// Takes note of what a call that must not succeed was told.
    fn refused<T>(&mut self, answer: Result<T, Status>) {
        self.told.push(answer.err().expect("the call is refused"));
    }

    /// The three ways in which secrets come in.
    pub(super) async fn store_keys(&self) {
        let key = proto::ImportedKey {
            key_id: "imported".to_owned(),
            key: None,
            secret: Some(secret(IMPORTED)),
        };
        let account = proto::ImportedAccount {
            account_id: "a".to_owned(),
            account: Some(openai()),
            keys: vec![key],
            limits: vec![],
        };
        let request = proto::ImportKeysRequest {
            accounts: vec![account],
            request_id: "import-1".to_owned(),
            ..Default::default()
        };
        self.admin.admin.clone().import_keys(request).await.unwrap();
        self.admin.create_key("a", "k", CREATED).await;
        self.admin.rotate("accounts/a/keys/k", ROTATED).await;
        self.admin.create_pool("p", &["a"]).await;
    }

    /// Secrets that are refused: stored already, or with something else wrong.
    pub(super) async fn be_refused_keys(&mut self) {
        let create = |id: &str, value: &str| proto::CreateKeyRequest {
            parent: "accounts/a".to_owned(),
            key_id: id.to_owned(),
            secret: Some(secret(value)),
            ..Default::default()
        };
        for request in [
            create("twice", IMPORTED),
            create("k", NEVER_TAKEN),
            create("k2", &format!("{NEVER_TAKEN}\0")),
            create("k2", &NEVER_TAKEN.repeat(2_000)),
            create(NEVER_TAKEN, ""),
            create(NEVER_TAKEN, NEVER_TAKEN),
        ] {
            let answer = self.admin.admin.clone().create_key(request).await;
            self.refused(answer);
        }
        let fields = proto::Secret {
            value: NEVER_TAKEN.to_owned(),
            fields: [(NEVER_TAKEN.to_owned(), NEVER_TAKEN.to_owned())].into(),
        };
        let request = proto::RotateKeyRequest {
            name: "accounts/a/keys/k".to_owned(),
            secret: Some(fields),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().rotate_key(request).await;
        self.refused(answer);
    }

    /// Secrets in fields where none belongs.
    pub(super) async fn misplace(&mut self) {
        let account = proto::CreateAccountRequest {
            account_id: CREATED.to_owned(),
            account: Some(proto::Account {
                provider_profile: CREATED.to_owned(),
                base_url: format!("https://user:{CREATED}@example.com/{CREATED}"),
                allowed_hosts: vec![CREATED.to_owned()],
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().create_account(account).await;
        self.refused(answer);
        let pool = proto::CreatePoolRequest {
            pool_id: "q".to_owned(),
            pool: Some(proto::Pool {
                members: vec![crate::harness::setup::member(CREATED, 1, 1)],
                ..Default::default()
            }),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().create_pool(pool).await;
        self.refused(answer);
        let list = proto::ListAccountsRequest {
            filter: CREATED.to_owned(),
            page_token: CREATED.to_owned(),
            ..Default::default()
        };
        let answer = self.admin.admin.clone().list_accounts(list).await;
        self.refused(answer);
        for request in [
            LeaseKeyRequest {
                pool: CREATED.to_owned(),
                ..of("p")
            },
            of(CREATED),
            LeaseKeyRequest {
                account: CREATED.to_owned(),
                ..of("p")
            },
            LeaseKeyRequest {
                retry_token: CREATED.to_owned(),
                ..of("p")
            },
            LeaseKeyRequest {
                request_id: format!("{CREATED}\0"),
                ..of("p")
            },
            LeaseKeyRequest {
                tags: [(CREATED.to_owned(), CREATED.to_owned())].into(),
                ..of("p")
            },
            LeaseKeyRequest {
                model: format!("{CREATED}\0"),
                ..of("p")
            },
        ] {
            let answer = self.caller.ask(request).await;
            self.refused(answer);
        }
    }

    /// Tokens and keys in metadata where they are not looked for.
    pub(super) async fn misauthenticate(&mut self) {
        let token = self.secrets[4].clone();
        let bare = Client::connect(self.cluster.replicas[0].address, "none").await;
        let transport = proto::lease_service_client::LeaseServiceClient::connect(format!(
            "http://{}",
            self.cluster.replicas[0].address
        ));
        let plain = transport.await.unwrap();
        for (name, value) in [
            ("x-api-key", token.clone()),
            ("authorization", token.clone()),
            ("authorization", format!("Basic {token}")),
            ("authorization", format!("bearer {token}x")),
            ("authorization", format!("Bearer {CREATED}")),
            ("authorization", format!("Bearer {token}x")),
            ("cookie", format!("token={token}")),
        ] {
            let mut request = Request::new(of("p"));
            let value: AsciiMetadataValue = value.parse().unwrap();
            request.metadata_mut().insert(name, value);
            let answer = plain.clone().lease_key(request).await;
            self.refused(answer);
        }
        let answer = bare.ask(of("p")).await;
        self.refused(answer);
    }

    /// Every kind of report, with bodies and headers that hold the key, and ids that are none.
    pub(super) async fn report(&mut self) {
        let lease = self.caller.lease("p").await;
        self.caller.report(&lease, success()).await;
        for status in [400, 429, 500, 418, 401] {
            let lease = self.lease_of_some_key().await.unwrap();
            self.caller
                .tell(reporting(&lease, vec![leaky(status)]))
                .await
                .unwrap();
        }
        let detail = Outcome {
            result: Some(Seen::Transport(TransportFailure {
                kind: 0,
                detail: format!("no answer for {CREATED}"),
            })),
            ..Default::default()
        };
        for lease_id in [CREATED.to_owned(), self.secrets[4].clone(), String::new()] {
            let mut report = reporting(&lease, vec![detail.clone()]);
            report.lease_id = lease_id;
            let answer = self.caller.tell(report).await;
            self.refused(answer);
        }
        let mut report = reporting(&lease, vec![http(99, &[(CREATED, CREATED)])]);
        report.sequence = -5;
        let answer = self.caller.tell(report).await;
        self.refused(answer);
    }

    /// A report through the other replica, whose way to the issuer leads through the database. The issuer is stopped meanwhile, so
    /// that it can be looked at there.
    pub(super) async fn report_elsewhere(&mut self) {
        let elsewhere = self.cluster.client(1, &self.secrets[4]).await;
        let lease = self.lease_of_some_key().await.unwrap();
        self.cluster.replicas[0].signal("-STOP");
        elsewhere.report(&lease, leaky(429)).await;
        let under_way = async || {
            let waiting: i64 = sqlx::query_scalar("select count(*) from foreign_reports")
                .fetch_one(&self.cluster.database.pool)
                .await
                .unwrap();
            waiting == 1
        };
        eventually("the report is under way", under_way).await;
        check(
            "the report under way",
            &self.cluster.database.dump().await,
            &self.secrets,
        );
        self.cluster.replicas[0].signal("-CONT");
    }

    pub(super) async fn lease_of_some_key(&mut self) -> Option<LeaseKeyResponse> {
        let request = proto::ClearHealthRequest {
            name: "accounts/a".to_owned(),
            ..Default::default()
        };
        self.admin
            .admin
            .clone()
            .clear_health(request)
            .await
            .unwrap();
        self.caller.ask(of("p")).await.ok()
    }
}

/// A failure whose headers and body repeat the key, as some providers do.
fn leaky(status: i32) -> Outcome {
    // Without words that a rule understands: the status alone decides.
    let text = format!("Not served with {ROTATED} or {IMPORTED}");
    let header = |name: &str| HttpHeader {
        name: name.to_owned(),
        value: text.clone().into_bytes(),
    };
    Outcome {
        result: Some(Seen::Http(HttpResult {
            status,
            headers: vec![header("x-request"), header("retry-after"), header(CREATED)],
            body: text.clone().into_bytes(),
        })),
        ..Default::default()
    }
}
