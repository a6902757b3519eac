//! `keylease dev`, as processes.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::harness::{
    postgres::new_folder,
    process::{Dev, command, eventually, keylease, kill, runs, texts},
};

#[test]
fn it_stops_cleanly_and_finds_its_folder_again() {
    let folder = new_folder();
    for signal in ["-INT", "-TERM"] {
        let dev = Dev::start(&folder);
        let postgres = dev.postgres();
        assert!(dev.end(signal));
        assert!(!runs(postgres));
        assert!(!folder.join("address").exists());
        assert!(!folder.join("postgres/data/postmaster.pid").exists());
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn its_secrets_are_its_owners_alone_and_kept_over_restarts() {
    let folder = new_folder();
    let secrets = || {
        ["master.key", "admin.token", "lessee.token"].map(|name| {
            let path = folder.join(name);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
            fs::read_to_string(path).unwrap()
        })
    };
    assert!(Dev::start(&folder).end("-TERM"));
    let before = secrets();
    assert!(before[1].starts_with("kl_") && before[2].starts_with("kl_"));
    assert!(Dev::start(&folder).end("-TERM"));
    assert_eq!(before, secrets());

    fs::remove_file(folder.join("admin.token")).unwrap();
    assert!(Dev::start(&folder).end("-TERM"));
    assert_ne!(before[1], secrets()[1], "a lost token is made anew");
    assert_eq!(before[2], secrets()[2]);
    assert_eq!(
        fs::read_to_string(folder.join(".gitignore")).unwrap(),
        "*\n"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn killed_it_leaves_no_postgres_and_starts_again() {
    let folder = new_folder();
    let dev = Dev::start(&folder);
    let postgres = dev.postgres();
    dev.end("-KILL");
    // At once, so that it meets a server that is still shutting down.
    let again = Dev::start(&folder);
    eventually("the first postgres is gone", || !runs(postgres));
    let postgres = again.postgres();
    again.end("-KILL");
    eventually("postgres is gone", || !runs(postgres));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn another_master_key_beside_its_data_is_told_with_the_fingerprint_that_it_needs() {
    let folder = new_folder();
    assert!(Dev::start(&folder).end("-TERM"));
    let path = folder.join("master.key");
    fs::remove_file(&path).unwrap();
    let error = || texts(&command(&folder).output().unwrap()).1;
    assert!(error().contains("master.key is gone"), "{}", error());
    let named = error();
    let wanted = named.split_whitespace().find(|w| w.starts_with("mk_"));
    let wanted = wanted.unwrap().to_owned();
    let made = keylease(&["master-key", "generate", "--out", path.to_str().unwrap()]);
    assert!({ made }.status().unwrap().success());
    let error = error();
    let expected = format!("holds another key than {wanted}");
    assert!(error.contains(&expected), "{error}");
    assert!(error.contains("put that one back"), "{error}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_open_master_key_is_refused_and_a_token_that_is_none_is_made_anew() {
    let folder = new_folder();
    assert!(Dev::start(&folder).end("-TERM"));
    let key = folder.join("master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = command(&folder).output().unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    assert!(error.contains("mode 0644 lets others read it"), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let token = folder.join("admin.token");
    fs::write(&token, "kl_nonsense\n").unwrap();
    assert!(Dev::start(&folder).end("-TERM"));
    assert_ne!(fs::read_to_string(&token).unwrap(), "kl_nonsense\n");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_token_of_another_vault_is_made_anew() {
    let (folder, other) = (new_folder(), new_folder());
    for folder in [&folder, &other] {
        assert!(Dev::start(folder).end("-TERM"));
    }
    let text = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let lessee = text(&folder, "lessee.token");
    let foreign = text(&other, "admin.token");
    fs::write(folder.join("admin.token"), &foreign).unwrap();
    let dev = Dev::start(&folder);
    assert_ne!(text(&folder, "admin.token"), foreign);
    assert_eq!(text(&folder, "lessee.token"), lessee);
    let address = text(&folder, "address");
    let listed = keylease(&["accounts", "list", "--server"])
        .arg(format!("http://{}", address.trim()))
        .arg("--token-file")
        .arg(folder.join("admin.token"))
        .output();
    let listed = listed.unwrap();
    assert!(listed.status.success(), "{}", texts(&listed).1);
    assert!(dev.end("-TERM"));
    fs::remove_dir_all(folder).unwrap();
    fs::remove_dir_all(other).unwrap();
}

#[test]
fn as_root_below_a_closed_folder_it_says_where_the_database_is() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let closed = new_folder();
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let folder = closed.join("data");
    let said = closed.join("said");
    let out = fs::File::create(&said).unwrap();
    let mut child = command(&folder).stdout(out).spawn().unwrap();
    eventually("it serves", || {
        fs::read_to_string(&said).is_ok_and(|text| text.contains("grpcurl"))
    });
    kill("-TERM", child.id());
    assert!(child.wait().unwrap().success());
    let database = fs::read_link(folder.join("postgres")).unwrap();
    let said = fs::read_to_string(said).unwrap();
    let expected = format!("the database in {}", database.display());
    assert!(said.contains(&expected), "{said}");
    assert!(!said.contains("everything"), "{said}");
    fs::remove_dir_all(database).unwrap();
    fs::remove_dir_all(closed).unwrap();
}

#[test]
fn a_second_one_on_the_same_folder_names_the_first() {
    let folder = new_folder();
    let dev = Dev::start(&folder);
    let output = command(&folder).output().unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    let expected = format!("in use by process {}", dev.process());
    assert!(error.contains(&expected), "{error}");
    assert!(dev.end("-TERM"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn without_its_master_key_it_refuses_rather_than_make_another() {
    let folder = new_folder();
    assert!(Dev::start(&folder).end("-TERM"));
    fs::remove_file(folder.join("master.key")).unwrap();
    let output = command(&folder).output().unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    assert!(error.contains("put it back"), "{error}");
    assert!(!folder.join("master.key").exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_folder_without_postgres_is_blamed_on_its_variable_and_nothing_is_left() {
    let folder = new_folder();
    let output = command(&folder)
        .env("KEYLEASE_POSTGRES_BIN", "/nowhere")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let (_, error) = texts(&output);
    assert!(
        error.contains("KEYLEASE_POSTGRES_BIN names /nowhere"),
        "{error}"
    );
    assert!(!folder.exists(), "a start that failed leaves nothing");
}

#[test]
fn a_start_that_fails_late_leaves_nothing_and_takes_nothing_that_was_there() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = new_folder();
    let start = || {
        let mut command = keylease(&["dev", "--listen", &address, "--data"]);
        let output = command.arg(&folder).output().unwrap();
        assert!(!output.status.success());
        let (_, error) = texts(&output);
        assert!(error.contains(&address), "{error}");
    };
    start();
    assert!(!folder.exists());
    assert!(Dev::start(&folder).end("-TERM"));
    let token = fs::read(folder.join("admin.token")).unwrap();
    start();
    assert_eq!(fs::read(folder.join("admin.token")).unwrap(), token);
    fs::remove_dir_all(folder).unwrap();
}
