//! A cluster whose replicas have a folder of master keys each, mounted as Kubernetes does it, beside the first key's file.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use keylease::crypto::MasterKey;
use keylease::proto;
use tonic::Status;

use super::client::Client;
use super::cluster::{Cluster, eventually};
use super::postgres::new_folder;

/// A cluster, and the folders of its replicas.
pub(crate) struct Ringed {
    pub(crate) cluster: Cluster,
    folders: Vec<PathBuf>,
    swaps: usize,
}

impl Ringed {
    /// Of so many replicas, with so many accounts of one key each, and the pool `p` of them.
    pub(crate) async fn new(replicas: usize, accounts: usize) -> Self {
        let mut ringed = Self {
            cluster: Cluster::of(0).await,
            folders: Vec::new(),
            swaps: 0,
        };
        for _ in 0..replicas {
            ringed.add_replica().await;
        }
        let admin = ringed.admin().await;
        let names: Vec<String> = (0..accounts).map(|number| format!("a{number}")).collect();
        for name in &names {
            admin.create_account_and_key(name).await;
        }
        let targets: Vec<&str> = names.iter().map(String::as_str).collect();
        admin.create_pool("p", &targets).await;
        ringed
    }

    /// One more replica, which has the first key alone.
    pub(crate) async fn add_replica(&mut self) {
        let folder = new_folder();
        fs::create_dir(&folder).unwrap();
        self.folders.push(folder);
        self.mount(self.folders.len() - 1, &[]);
        self.start_replica(self.folders.len() - 1).await;
    }

    /// Starts a replica on the folder of this number.
    pub(crate) async fn start_replica(&mut self, number: usize) {
        let folder = self.folders[number].to_str().unwrap().to_owned();
        let variables = [("KEYLEASE_MASTER_KEY_DIR", folder.as_str())];
        self.cluster.add_with(&variables).await;
    }

    /// Swaps what the folder of a replica holds for the first key and these, all at once.
    pub(crate) fn mount(&mut self, number: usize, keys: &[&MasterKey]) {
        let (folder, swap) = (&self.folders[number], format!("..{}", self.swaps));
        self.swaps += 1;
        fs::create_dir(folder.join(&swap)).unwrap();
        let first = fs::read(self.cluster.master_key()).unwrap();
        let keys = keys.iter().map(|key| key.to_text().expose().to_vec());
        for (place, text) in std::iter::once(first).chain(keys).enumerate() {
            let file = folder.join(&swap).join(place.to_string());
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        }
        symlink(&swap, folder.join("..new")).unwrap();
        fs::rename(folder.join("..new"), folder.join("..data")).unwrap();
    }

    pub(crate) async fn admin(&self) -> Client {
        self.cluster.admin().await
    }

    /// The master keys, as the first replica says.
    pub(crate) async fn status(&self) -> proto::GetMasterKeyStatusResponse {
        let request = proto::GetMasterKeyStatusRequest {};
        let mut admin = self.admin().await.admin;
        admin
            .get_master_key_status(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// One of them.
    pub(crate) async fn key(&self, key: &MasterKey) -> Option<proto::MasterKeyStatus> {
        let print = key.fingerprint().to_string();
        let keys = self.status().await.master_keys;
        keys.into_iter().find(|key| key.fingerprint == print)
    }

    /// The key that everything began with.
    pub(crate) fn first(&self) -> MasterKey {
        MasterKey::parse(&fs::read_to_string(self.cluster.master_key()).unwrap()).unwrap()
    }

    /// Waits until so many replicas hold a key.
    pub(crate) async fn held_by(&self, key: &MasterKey, replicas: i32) {
        let holds = async || {
            self.key(key)
                .await
                .is_some_and(|key| key.holding == replicas)
        };
        eventually("so many replicas hold the key", holds).await;
    }

    pub(crate) async fn promote(&self, key: &MasterKey) -> Result<(), Status> {
        let request = proto::PromoteMasterKeyRequest {
            fingerprint: key.fingerprint().to_string(),
            reason: "the yearly rotation".to_owned(),
            ..Default::default()
        };
        let mut admin = self.admin().await.admin;
        admin.promote_master_key(request).await.map(drop)
    }

    /// Starts a rewrap of so many rows a second.
    pub(crate) async fn rewrap(&self, rate_max: i32) {
        let request = proto::RewrapKeysRequest {
            rate_max,
            ..Default::default()
        };
        let mut admin = self.admin().await.admin;
        admin.rewrap_keys(request).await.unwrap();
    }

    /// Waits until the last rewrap has ended, and answers it.
    pub(crate) async fn rewrapped(&self) -> proto::RewrapStatus {
        let ended = async || self.status().await.rewrap.unwrap().end_time.is_some();
        eventually("the rewrap has ended", ended).await;
        self.status().await.rewrap.unwrap()
    }

    pub(crate) async fn retire(
        &self,
        key: &MasterKey,
        retention_seconds: Option<i64>,
    ) -> Result<(), Status> {
        let request = proto::RetireMasterKeyRequest {
            fingerprint: key.fingerprint().to_string(),
            retention: retention_seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
            ..Default::default()
        };
        let mut admin = self.admin().await.admin;
        admin.retire_master_key(request).await.map(drop)
    }
}

impl Drop for Ringed {
    fn drop(&mut self) {
        self.cluster.replicas.clear();
        for folder in &self.folders {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
