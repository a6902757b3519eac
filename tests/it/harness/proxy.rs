//! A proxy between two processes, whose other end can be moved, and which delays, cuts, loses and falls silent on demand.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

#[path = "proxy/pumps.rs"]
mod pumps;

use pumps::{ask, pump, reply};

/// Where the other end is.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A proxy at work; it ends when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    target: Mutex<Target>,
    /// Every connection of an older generation ends.
    generation: watch::Sender<u64>,
    is_open: AtomicBool,
    /// Falls silent and speaks again by turns: silent while this is odd.
    hushes: AtomicU64,
    delay_millis: AtomicU64,
    lose_every: AtomicU64,
    commits: AtomicU64,
    lost: AtomicU64,
}

impl Proxy {
    /// To a target.
    pub(crate) async fn to(target: Target) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            target: Mutex::new(target),
            generation: watch::Sender::new(0),
            is_open: AtomicBool::new(true),
            hushes: AtomicU64::new(0),
            delay_millis: AtomicU64::new(0),
            lose_every: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        });
        let task = tokio::spawn(listen(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            task,
        }
    }

    /// Moves the other end, for connections that are made from now on.
    pub(crate) fn point(&self, target: Target) {
        *self.state.target.lock() = target;
    }

    /// Cuts every connection, and refuses new ones until it is opened.
    pub(crate) fn cut(&self) {
        self.state.is_open.store(false, Relaxed);
        self.state
            .generation
            .send_modify(|generation| *generation += 1);
    }

    /// Takes connections again.
    pub(crate) fn open(&self) {
        self.state.is_open.store(true, Relaxed);
    }

    /// Falls silent, as if the machine behind it had vanished: connections are taken, and nothing ever passes on any.
    pub(crate) fn hush(&self) {
        self.state.hushes.fetch_or(1, Relaxed);
    }

    /// Passes on what comes on connections that are made from now on. Those that were there are silent for ever.
    pub(crate) fn speak(&self) {
        let silent = self.state.hushes.load(Relaxed);
        self.state.hushes.store((silent + 1) & !1, Relaxed);
    }

    /// Holds up whatever passes, in both directions.
    pub(crate) fn delay(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.state.delay_millis.store(millis, Relaxed);
    }

    /// Forwards each COMMIT, but loses the reply to one of so many, and the connection with it; 0 loses none.
    pub(crate) fn lose_commits(&self, one_of: u64) {
        self.state.lose_every.store(one_of, Relaxed);
    }

    /// Replies to a COMMIT that were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.state.lost.load(Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// One connection.
#[derive(Debug)]
struct Link {
    state: Arc<State>,
    /// How often the proxy had fallen silent and spoken when this was made.
    hushes: u64,
}

impl Link {
    async fn delay(&self) {
        let millis = self.state.delay_millis.load(Relaxed);
        if millis > 0 {
            sleep(Duration::from_millis(millis)).await;
        }
        let hushes = self.state.hushes.load(Relaxed);
        if hushes % 2 == 1 || hushes != self.hushes {
            std::future::pending().await
        }
    }
}

impl State {
    /// Whether the reply to this COMMIT is lost.
    fn loses(&self) -> bool {
        let number = self.commits.fetch_add(1, Relaxed) + 1;
        let every = self.lose_every.load(Relaxed);
        every > 0 && number.is_multiple_of(every)
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if !state.is_open.load(Relaxed) {
            continue;
        }
        let mut generation = state.generation.subscribe();
        generation.mark_unchanged();
        let link = Link {
            state: Arc::clone(&state),
            hushes: state.hushes.load(Relaxed),
        };
        tokio::spawn(async move {
            // Either end may break the connection; then it is over for both.
            tokio::select! {
                _ = connect(client, &link) => {}
                _ = generation.changed() => {}
            }
        });
    }
}

async fn connect(client: TcpStream, link: &Link) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let target = link.state.target.lock().clone();
    match target {
        Target::Tcp(address) => {
            let server = TcpStream::connect(address).await?;
            server.set_nodelay(true)?;
            let (from_server, to_server) = server.into_split();
            let (from_client, to_client) = client.into_split();
            tokio::select! {
                done = pump(from_client, to_server, link) => done,
                done = pump(from_server, to_client, link) => done,
            }
        }
        Target::Unix(path) => {
            let server = UnixStream::connect(path).await?;
            let (from_server, to_server) = server.into_split();
            let (from_client, to_client) = client.into_split();
            let is_lost = AtomicBool::new(false);
            tokio::select! {
                done = ask(from_client, to_server, link, &is_lost) => done,
                done = reply(from_server, to_client, link, &is_lost) => done,
            }
        }
    }
}
