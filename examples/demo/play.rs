//! The plot: import, start the clients, let a key die half-way, rotate another, and see what everybody counted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use keylease::proto::{KeyStatus, PoolStatus};
use stand_in::RunningProvider;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::admin::{Admin, account_of, id_of};
use crate::clients::{self, Client};
use crate::env_file;
use crate::process::{self, Binaries};
use crate::provider::{self, BURST, ROTATED_SECRET, Secrets};
use crate::screen::{Scene, Screen};
use crate::server::Server;
use crate::summary::Evidence;
use crate::tally::Tally;

/// When the primary key dies: half-way.
const DEATH: f64 = 0.5;

/// When a backup is rotated. By then it is in use, since the primary is dead.
const ROTATION: f64 = 0.7;

/// From one look at everything to the next.
const REDRAW: Duration = Duration::from_millis(500);

/// What an ordinary terminal has room for, beside the indent.
const SCREEN_WIDTH: &str = "78";

/// What the play needs.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) binaries: Binaries,
    pub(crate) scratch: PathBuf,
    pub(crate) length: Duration,
}

/// The keys with a part in it.
struct Cast {
    /// `accounts/{account}`.
    account: String,
    /// The key that dies.
    primary: String,
    /// The key that is rotated.
    backup: String,
    secrets: Secrets,
}

impl Play {
    /// Performs it. True if everything went as it must.
    pub(crate) async fn perform(&self, server: &mut Server) -> anyhow::Result<bool> {
        let mut screen = Screen::new();
        introduce(&mut screen)?;
        server.ready().await?;
        let provider = provider::start().await?;
        self.import(server, &provider, &mut screen).await?;
        let mut admin = Admin::connect(&server.url, &server.token_file("admin")).await?;
        let cast = Cast::of(&admin.status().await?)?;
        admin.limit_bursts(&cast.account).await?;
        let clients = clients::start(&self.binaries, server, self.length)?;
        self.scenes(server, &provider, &mut admin, &clients, &cast, &mut screen)
            .await?;
        let (tally, troubles) = finish(clients).await;
        let evidence = Evidence {
            tally,
            troubles,
            status: admin.status().await?,
            counts: provider.shutdown().await,
            secrets: cast.secrets,
            dead_key: cast.primary,
            rotated_key: cast.backup,
        };
        evidence.show(&mut screen)
    }

    async fn import(
        &self,
        server: &Server,
        provider: &RunningProvider,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let file = self.scratch.join("example.env");
        env_file::write(&file, provider.address().port())?;
        let mut command = server.command();
        command.args(["keys", "import", "--allow-http"]).arg(&file);
        command.env("COLUMNS", SCREEN_WIDTH);
        let said = process::run(command, "").await?;
        screen.say("$ keylease keys import --allow-http example.env")?;
        for line in said.lines() {
            screen.say(&format!("  {line}"))?;
        }
        Ok(())
    }

    async fn scenes(
        &self,
        server: &Server,
        provider: &RunningProvider,
        admin: &mut Admin,
        clients: &[Client],
        cast: &Cast,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let mut status = admin.watch().await?;
        let mut counts = provider.counts();
        let start = Instant::now();
        let mut events = vec![
            (self.length.mul_f64(ROTATION), Event::Rotation),
            (self.length.mul_f64(DEATH), Event::Death),
        ];
        let mut ticks = interval(REDRAW);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while start.elapsed() < self.length {
            tokio::select! {
                _ = ticks.tick() => {}
                // Of the same moment as the status, or the provider would seem to have seen more than was leased.
                Ok(()) = status.changed() => counts = provider.counts(),
            }
            if let Some((_, event)) = events.pop_if(|(at, _)| start.elapsed() >= *at) {
                let said = event.happen(server, provider, cast).await?;
                screen.event(start.elapsed(), said)?;
            }
            screen.draw(&Scene {
                elapsed: start.elapsed(),
                length: self.length,
                status: status.borrow_and_update().clone(),
                tally: clients::total(clients),
                counts: counts.clone(),
                secrets: cast.secrets.clone(),
            })?;
        }
        Ok(())
    }
}

fn introduce(screen: &mut Screen) -> anyhow::Result<()> {
    let (burst, seconds) = (BURST.amount, BURST.window_ms / 1000);
    let (minute, wanted) = (env_file::requests_per_minute()?, clients::wanted());
    screen.say(&format!(
        "A vault, a stand-in provider that allows {burst} requests in any {seconds} s and {minute} in\n\
         any 60 s, and {} client processes that want {wanted} a second together. Half-way a key\n\
         dies; then another is rotated. No request may be answered 429.\n\
         Starting `keylease dev`, whose first start makes a database.",
        clients::CLIENTS
    ))
}

/// What happens under way.
#[derive(Debug, Clone, Copy)]
enum Event {
    Death,
    Rotation,
}

impl Event {
    async fn happen(
        self,
        server: &Server,
        provider: &RunningProvider,
        cast: &Cast,
    ) -> anyhow::Result<String> {
        match self {
            Self::Death => {
                let secret = cast.secrets.first(&cast.primary);
                provider.kill(secret.context("example.env holds no key")?);
                let key = id_of(&cast.primary);
                Ok(format!(
                    "the provider revokes key {key}: it answers 401 from now on"
                ))
            }
            Self::Rotation => {
                let mut command = server.command();
                command.args(["keys", "rotate", &cast.backup, "--secret-stdin"]);
                process::run(command, ROTATED_SECRET).await?;
                Ok(format!(
                    "$ keylease keys rotate {} --secret-stdin",
                    cast.backup
                ))
            }
        }
    }
}

impl Cast {
    /// The primary is alone in the first tier; any other key is a backup.
    fn of(status: &PoolStatus) -> anyhow::Result<Self> {
        let first_tier = status.keys.iter().map(|key| key.tier).min();
        let find = |first: bool| -> anyhow::Result<&KeyStatus> {
            status
                .keys
                .iter()
                .find(|key| (Some(key.tier) == first_tier) == first)
                .context("the import made no primary key with backups in a later tier")
        };
        let (primary, backup) = (find(true)?, find(false)?);
        let mut secrets = Secrets::imported(status);
        secrets.add(&backup.key, ROTATED_SECRET);
        Ok(Self {
            account: account_of(primary).to_owned(),
            primary: primary.key.clone(),
            backup: backup.key.clone(),
            secrets,
        })
    }
}

async fn finish(clients: Vec<Client>) -> (Tally, Vec<String>) {
    let mut total = Tally::default();
    let mut troubles = Vec::new();
    for (number, client) in (1..).zip(clients) {
        let (tally, trouble) = client.finish().await;
        if tally.leases == 0 {
            troubles.push(format!("client {number} got no lease at all"));
        }
        total += &tally;
        troubles.extend(trouble);
    }
    (total, troubles)
}
