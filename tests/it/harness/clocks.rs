//! A database whose clock is set.

use sqlx::AssertSqlSafe;

use super::cluster::Cluster;

impl Cluster {
    /// The clock can be set from here on, as whoever connects anew reads it: replicas that are started again, and commands.
    pub(crate) async fn let_clock_be_set(&self) {
        for statement in [
            "create schema settable",
            "create table settable.clock as select interval '0' as ahead",
            "create function settable.clock_timestamp() returns timestamptz language sql volatile
                as 'select pg_catalog.clock_timestamp() + ahead from settable.clock'",
            "do $$ begin execute format('alter database %I set search_path = settable, pg_catalog, public', current_database()); end $$",
        ] {
            let done = sqlx::query(statement).execute(&self.database.pool).await;
            done.unwrap();
        }
    }

    /// It goes so far ahead of what it was.
    pub(crate) async fn set_clock(&self, ahead: &str) {
        let set = format!("update settable.clock set ahead = '{ahead}'");
        let set = sqlx::query(AssertSqlSafe(set));
        let done = set.execute(&self.database.pool).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }

    /// The first replica ends, and another begins.
    pub(crate) async fn begin_anew(&mut self) {
        self.replicas[0].end("-TERM").await;
        self.replicas.remove(0);
        self.add().await;
    }
}
