//! The committed queries against the migrated schema: what `.sqlx` says is what Postgres would answer today.

use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Either, Executor, SqlSafeStr, Statement, TypeInfo};

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
