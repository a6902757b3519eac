//! The replicas of a run, and the commands that set up what they share.

use std::process::Command;
use std::time::Duration;

use tokio::time::sleep;

use super::World;
use crate::harness::client::Client;
use crate::harness::process::{keylease, texts};
use crate::harness::proxy::{Proxy, Target};
use crate::harness::replica::Replica;

impl World {
    /// A client of the first replica that runs, with the administrator's token.
    pub(crate) async fn admin(&self) -> Client {
        let replica = self.replicas.iter().flatten().next().unwrap();
        Client::connect(replica.address, &self.admin_token).await
    }

    /// Starts every replica that is down.
    pub(crate) async fn start_replicas(&mut self) {
        for place in 0..self.setup.replicas {
            if self.replicas[place].is_none() {
                self.start_replica(place).await;
            }
        }
    }

    /// Starts a replica.
    pub(crate) async fn start_replica(&mut self, place: usize) {
        let mut command = self.command("serve");
        command
            .env("KEYLEASE_LISTEN", "127.0.0.1:0")
            .env("KEYLEASE_METRICS_LISTEN", "127.0.0.1:0")
            .env("KEYLEASE_DRAIN_DELAY", "0s")
            .env("KEYLEASE_FAILOVER_LOSS_MAX", self.setup.loss_max)
            .env("KEYLEASE_LOG_FORMAT", "json");
        let replica = Replica::start(command).await;
        let target = Target::Tcp(replica.address);
        match self.gates.get(place) {
            Some(gate) => gate.point(target),
            None => self.gates.push(Proxy::to(target).await),
        }
        self.replicas[place] = Some(replica);
    }

    /// Ends a replica by a signal and waits for its end.
    pub(crate) async fn end_replica(&mut self, place: usize, signal: &str) {
        if let Some(mut replica) = self.replicas[place].take() {
            replica.end(signal).await;
        }
    }

    /// Waits until every replica serves from what is in the database now.
    pub(super) async fn settled(&self) {
        let rev = self.postgres.number("select rev from cluster").await;
        for replica in self.replicas.iter().flatten() {
            let known = async || replica.metric("keylease_snapshot_rev").await;
            while known().await.is_none_or(|known| known < rev as f64) {
                sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// What each replica that runs has said, for whoever wants to know why.
    pub(crate) fn said(&self) -> String {
        let said = self.replicas.iter().flatten().map(Replica::said);
        said.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn master_key(&self) -> String {
        self.folder
            .0
            .join("master.key")
            .to_str()
            .unwrap()
            .to_owned()
    }

    pub(super) fn command(&self, verb: &str) -> Command {
        let port = self.link.address.port();
        let url = format!("postgres://keylease@127.0.0.1:{port}/keylease?sslmode=disable");
        let mut command = keylease(&[verb]);
        command.env("KEYLEASE_DATABASE_URL", url);
        if verb != "migrate" {
            command.env("KEYLEASE_MASTER_KEY_FILE", self.master_key());
        }
        command
    }
}

/// Standard output of a command that must succeed. It speaks through a proxy, which must not be held up by whoever waits for it.
pub(super) fn run(mut command: Command) -> String {
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let (out, error) = texts(&output);
    assert!(output.status.success(), "{error}");
    out
}
