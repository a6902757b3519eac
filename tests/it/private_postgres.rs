//! The private Postgres of `dev` and of these tests.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    str::FromStr,
    time::Duration,
};

use keylease::app::postgres::{Options, PrivatePostgres, StartError};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};

use crate::harness::{
    postgres::{Database, fast, new_folder},
    process::{kill, runs},
};

fn kept() -> Options {
    Options {
        ephemeral: false,
        ..fast()
    }
}

/// The process that the data's own note names.
fn server_process(folder: &Path) -> u32 {
    let note = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    note.lines().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_test_gets_a_migrated_database_of_its_own() {
    let (one, other) = (Database::create().await, Database::create().await);
    for database in [&one, &other] {
        let revision: i64 = sqlx::query_scalar("update cluster set rev = rev + 1 returning rev")
            .fetch_one(&database.pool)
            .await
            .unwrap();
        assert_eq!(revision, 1);
    }
    let options = PgConnectOptions::from_str(&one.url()).unwrap();
    assert_eq!(options.get_database(), one.options.get_database());
    options.connect().await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn it_starts_again_on_the_data_it_left() {
    let folder = new_folder();
    let server = PrivatePostgres::start(&folder, &kept()).await.unwrap();
    let mut connection = server.connect_options().connect().await.unwrap();
    sqlx::raw_sql("create table kept (id int); insert into kept values (7)")
        .execute(&mut connection)
        .await
        .unwrap();
    // The connection stays open: a fast shutdown does not wait for it.
    server.stop().await.unwrap();

    let server = PrivatePostgres::start(&folder, &kept()).await.unwrap();
    let options = PgConnectOptions::from_str(&server.url()).unwrap();
    let mut connection = options.connect().await.unwrap();
    let id: i32 = sqlx::query_scalar("select id from kept")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(id, 7);
    server.stop().await.unwrap();
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_folder_without_binaries_is_blamed_on_its_variable() {
    let options = Options {
        binaries: Some("/nowhere/bin".into()),
        ..fast()
    };
    let folder = new_folder();
    let error = PrivatePostgres::start(&folder, &options).await.unwrap_err();
    assert!(matches!(error, StartError::NoneInNamed { .. }));
    let message = error.to_string();
    assert!(message.contains("/nowhere/bin"), "{message}");
    assert!(message.contains("KEYLEASE_POSTGRES_BIN"), "{message}");
    assert!(!message.contains("apt-get"), "{message}");
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn only_its_owner_can_enter_the_socket_folder_and_nothing_listens_on_tcp() {
    let server = PrivatePostgres::start(&new_folder(), &fast())
        .await
        .unwrap();
    let mode = fs::metadata(server.socket_folder())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let mut connection = server.connect_options().connect().await.unwrap();
    let addresses: String = sqlx::query_scalar("select current_setting('listen_addresses')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(addresses, "");
}

#[tokio::test]
async fn a_second_start_on_a_folder_in_use_names_the_process_that_uses_it() {
    let folder = new_folder();
    let server = PrivatePostgres::start(&folder, &fast()).await.unwrap();
    let error = PrivatePostgres::start(&folder, &fast()).await.unwrap_err();
    let message = error.to_string();
    let pid = std::process::id();
    assert!(
        message.contains(&format!("in use by process {pid}")),
        "{message}"
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_is_gone_and_so_is_its_ephemeral_folder() {
    let folder = new_folder();
    let server = PrivatePostgres::start(&folder, &fast()).await.unwrap();
    let process = server_process(&folder);
    assert!(runs(process));
    drop(server);
    assert!(!runs(process));
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one_and_a_note() {
    let folder = new_folder().join("x".repeat(100));
    let server = PrivatePostgres::start(&folder, &fast()).await.unwrap();
    assert!(server.socket_folder().as_os_str().len() < 93);
    assert!(server.notes()[0].contains("at most 107 bytes"));
    let socket = server.socket_folder().to_owned();
    server.stop().await.unwrap();
    assert!(!socket.exists(), "a stop leaves nothing elsewhere");
    fs::remove_dir_all(folder.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn where_root_works_in_a_closed_folder_the_data_is_elsewhere_and_linked() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Others run the server as themselves, and no folder of theirs is closed to it.
        return;
    }
    let closed = new_folder();
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let folder = closed.join("postgres");
    for start in 0..2 {
        let server = PrivatePostgres::start(&folder, &kept()).await.unwrap();
        assert_eq!(server.notes().len(), 1 - start, "told once");
        server.stop().await.unwrap();
    }
    fs::remove_dir_all(folder.read_link().unwrap()).unwrap();
    fs::remove_dir_all(closed).unwrap();
}

#[tokio::test]
async fn a_server_that_an_earlier_run_left_behind_is_stopped_and_its_data_used() {
    let folder = new_folder();
    let server = PrivatePostgres::start(&folder, &kept()).await.unwrap();
    let left_over = server_process(&folder);
    let guard = parent_of(left_over);
    for watch in children_of(guard) {
        if watch != left_over {
            kill("-KILL", watch);
        }
    }
    kill("-KILL", guard);
    drop(server);
    assert!(runs(left_over));

    let server = PrivatePostgres::start(&folder, &kept()).await.unwrap();
    assert_ne!(server_process(&folder), left_over);
    server.stop().await.unwrap();
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_server_that_ends_by_itself_is_noticed() {
    let folder = new_folder();
    let mut server = PrivatePostgres::start(&folder, &fast()).await.unwrap();
    kill("-QUIT", server_process(&folder));
    tokio::time::timeout(Duration::from_secs(10), server.ended())
        .await
        .unwrap();
}

fn parent_of(process: u32) -> u32 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.split_whitespace().nth(3).unwrap().parse().unwrap()
}

fn children_of(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    children
        .split_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}
