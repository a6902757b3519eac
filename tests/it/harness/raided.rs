//! A vault whose database somebody edits who does not have the cluster key.

use keylease::proto::RefusalReason;
use sqlx::AssertSqlSafe;
use tonic::Code;

use super::client::{Client, of};
use super::cluster::{Cluster, eventually};

/// Two accounts with a pool each, an honest caller of both, and one with a grant for neither.
pub(crate) struct Raided {
    pub(crate) cluster: Cluster,
    pub(crate) honest: Client,
    pub(crate) mallory: Client,
}

impl Raided {
    pub(crate) async fn new() -> Self {
        let cluster = Cluster::start().await;
        let admin = cluster.admin().await;
        for account in ["a", "b"] {
            admin.create_account_and_key(account).await;
            admin
                .create_pool(&format!("pool-{account}"), &[account])
                .await;
        }
        admin.create_pool("mallorys", &[]).await;
        let honest = admin.create_lessee("honest", "pool-*").await;
        let mallory = admin.create_lessee("mallory", "mallorys").await;
        Self {
            honest: cluster.client(0, &honest).await,
            mallory: cluster.client(0, &mallory).await,
            cluster,
        }
    }

    /// Edits the database as somebody would who wants the replicas to notice; they have noticed when this is done.
    pub(crate) async fn edit(&self, statements: &str) {
        let edit = format!(
            "update cluster set rev = rev + 1; {statements};
            do $$ declare named text; begin
                foreach named in array array['accounts', 'keys', 'key_versions', 'pools', 'callers', 'tokens'] loop
                    execute format('update %I set rev = (select rev from cluster)', named);
                end loop;
            end $$"
        );
        sqlx::raw_sql(AssertSqlSafe(edit))
            .execute(&self.cluster.database.pool)
            .await
            .unwrap();
        self.cluster.settled().await;
    }

    /// Checks that the one key of a pool does not serve, for this reason, here and on a replica that has never seen anything else.
    pub(crate) async fn serves_nothing(&mut self, pool: &str, reason: RefusalReason) {
        let honest = self.cluster.admin().await.create_token("honest").await.text;
        self.cluster.add().await;
        self.cluster.settled().await;
        for replica in 0..self.cluster.replicas.len() {
            let caller = self.cluster.client(replica, &honest).await;
            let refused = caller.refused(of(pool)).await;
            let refused = refused.is(Code::FailedPrecondition, "KEYS_DISTRUSTED");
            assert_eq!((refused.count(reason), refused.total()), (1, 1));
        }
    }

    /// Waits until some replica has said so in its log, which comes through a pipe: perhaps after the answer that it is about.
    pub(crate) async fn notices(&self, words: &str) {
        let replicas = || self.cluster.replicas.iter();
        let said = async || replicas().any(|replica| replica.said().contains(words));
        eventually(words, said).await;
    }

    /// Waits until the metric counts so many rows of a kind.
    pub(crate) async fn counts(&self, kind: &str, wanted: f64) {
        let series = format!("keylease_rows_distrusted{{kind=\"{kind}\"}}");
        let counted = async || self.cluster.replicas[0].metric(&series).await == Some(wanted);
        eventually(&series, counted).await;
    }
}
