//! The committed queries against the migrated schema: what `.sqlx` says is what Postgres would answer today.

use std::path::Path;

use keylease::store::limit_ledgers;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Either, Executor, Row, SqlSafeStr, Statement, TypeInfo};

use crate::harness::postgres::Database;

/// Every file of `.sqlx`, read.
fn committed() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let files = std::fs::read_dir(folder).unwrap();
    let read = |path: &Path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    files.map(|file| read(&file.unwrap().path())).collect()
}

/// Types as text, in one spelling: `.sqlx` says `Int8Array` where the driver says `INT8[]`.
fn spelling(name: &str) -> String {
    name.to_ascii_lowercase().replace("[]", "array")
}

/// Columns and parameters as committed.
fn described(query: &Value) -> (Vec<(String, String)>, Vec<String>) {
    let text = |value: &Value| spelling(value.as_str().unwrap_or_default());
    let columns = query["describe"]["columns"].as_array().unwrap();
    let columns = columns.iter().map(|column| {
        let name = column["name"].as_str().unwrap();
        (name.to_owned(), text(&column["type_info"]))
    });
    let parameters = query["describe"]["parameters"]["Left"].as_array();
    let parameters = parameters.into_iter().flatten().map(text);
    (columns.collect(), parameters.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_queries_are_those_of_the_schema() {
    let database = Database::create().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let queries = committed();
    assert!(queries.len() > 50, "only {} queries", queries.len());
    for query in queries {
        let sql = query["query"].as_str().unwrap().to_owned();
        let prepared = connection
            .prepare(AssertSqlSafe(sql.clone()).into_sql_str())
            .await;
        let prepared =
            prepared.unwrap_or_else(|error| panic!("{error}: run `make queries`: {sql}"));
        let columns = prepared.columns().iter();
        let columns = columns.map(|c| (c.name().to_owned(), spelling(c.type_info().name())));
        let parameters = match prepared.parameters() {
            Some(Either::Left(types)) => types.iter().map(|t| spelling(t.name())).collect(),
            Some(Either::Right(_)) | None => Vec::new(),
        };
        assert_eq!(
            (columns.collect(), parameters),
            described(&query),
            "run `make queries`: {sql}"
        );
    }
}

/// Whether it is about some of the ledger's rows, by their limits or blocks.
fn is_of_the_ledger(sql: &str) -> bool {
    let is_by_key = sql.contains("any($") || sql.contains("unnest($");
    let tables = ["limit_blocks", "limit_ledgers", "from limits where uid"];
    is_by_key && tables.iter().any(|table| sql.contains(table))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_the_ledger_finds_rows_by_their_keys_also_where_it_is_planned_when_there_are_none()
 {
    let database = Database::create().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let connection = &mut *connection;
    let begin = sqlx::raw_sql(limit_ledgers::BEGIN);
    begin.execute(&mut *connection).await.unwrap();
    let generic = "set local plan_cache_mode = force_generic_plan";
    let generic = sqlx::raw_sql(generic);
    generic.execute(&mut *connection).await.unwrap();
    let mut planned = 0;
    for query in committed() {
        let sql = query["query"].as_str().unwrap();
        if !is_of_the_ledger(sql) {
            continue;
        }
        let nulls = vec!["null"; described(&query).1.len()].join(", ");
        let statements = [
            format!("prepare planned as {sql}"),
            format!("explain execute planned ({nulls})"),
            "deallocate planned".to_owned(),
        ];
        for statement in statements {
            let told = sqlx::raw_sql(AssertSqlSafe(statement))
                .fetch_all(&mut *connection)
                .await;
            for line in told.unwrap() {
                let line: String = line.get(0);
                assert!(!line.contains("Seq Scan on limit"), "{line}: {sql}");
            }
        }
        planned += 1;
    }
    assert!(planned >= 8, "only {planned} queries");
}
