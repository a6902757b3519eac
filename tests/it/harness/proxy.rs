//! A proxy between two processes, whose other end can be moved, and which delays, cuts and loses on demand.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

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

impl State {
    async fn delay(&self) {
        let millis = self.delay_millis.load(Relaxed);
        if millis > 0 {
            sleep(Duration::from_millis(millis)).await;
        }
    }

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
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            // Either end may break the connection; then it is over for both.
            tokio::select! {
                _ = connect(client, &state) => {}
                _ = generation.changed() => {}
            }
        });
    }
}

async fn connect(client: TcpStream, state: &State) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let target = state.target.lock().clone();
    match target {
        Target::Tcp(address) => {
            let server = TcpStream::connect(address).await?;
            server.set_nodelay(true)?;
            let (from_server, to_server) = server.into_split();
            let (from_client, to_client) = client.into_split();
            tokio::select! {
                done = pump(from_client, to_server, state) => done,
                done = pump(from_server, to_client, state) => done,
            }
        }
        Target::Unix(path) => {
            let server = UnixStream::connect(path).await?;
            let (from_server, to_server) = server.into_split();
            let (from_client, to_client) = client.into_split();
            let is_lost = AtomicBool::new(false);
            tokio::select! {
                done = ask(from_client, to_server, state, &is_lost) => done,
                done = reply(from_server, to_client, state, &is_lost) => done,
            }
        }
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &State,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16_384];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        state.delay().await;
        to.write_all(&bytes[..read]).await?;
    }
}

/// To a Postgres server: message by message, so that a COMMIT is seen.
async fn ask(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &State,
    is_lost: &AtomicBool,
) -> std::io::Result<()> {
    // The first message has no kind.
    let first = message(&mut from, Vec::new()).await?;
    to.write_all(&first).await?;
    loop {
        let kind = from.read_u8().await?;
        let message = message(&mut from, vec![kind]).await?;
        state.delay().await;
        if message[5..].eq_ignore_ascii_case(b"commit\0") && state.loses() {
            is_lost.store(true, Relaxed);
        }
        to.write_all(&message).await?;
    }
}

/// A length, itself included, and what it is the length of.
async fn message(
    from: &mut (impl AsyncRead + Unpin),
    mut message: Vec<u8>,
) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    message.extend(length.to_be_bytes());
    let start = message.len();
    message.resize(start + length as usize - 4, 0);
    from.read_exact(&mut message[start..]).await?;
    Ok(message)
}

/// From a Postgres server. Once the reply to a COMMIT is there it is committed: then the reply is dropped and the connection ends, at
/// once or only after a while in which its client waits.
async fn reply(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &State,
    is_lost: &AtomicBool,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16_384];
    loop {
        let read = from.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        if is_lost.load(Relaxed) {
            let lost = state.lost.fetch_add(1, Relaxed);
            sleep(Duration::from_millis(lost % 3 * 400)).await;
            return Ok(());
        }
        state.delay().await;
        to.write_all(&bytes[..read]).await?;
    }
}
