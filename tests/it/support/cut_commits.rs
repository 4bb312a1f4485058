//! A way to a test's database on which the answer to a commit is lost.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::Notify,
};
use tokio_postgres::config::Host;

use super::cluster::Database;

/// `COMMIT` as it goes over the wire.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// What becomes of a commit whose client is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It does not arrive.
    Before,
    /// It is carried out.
    After,
    /// It is carried out, and nobody comes through any more.
    AfterForGood,
    /// It is on its way until [`CutCommits::let_through`].
    Meanwhile,
}

/// The way to a database.
pub struct CutCommits {
    /// The URL of the database by this way.
    pub url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    next: Mutex<Option<Cut>>,
    closed: AtomicBool,
    swallows: AtomicBool,
    through: Notify,
}

impl Database {
    /// A way to this database on which commits can be cut.
    pub async fn db_with_cuts(&self) -> CutCommits {
        let config: tokio_postgres::Config = self.url.parse().unwrap();
        let [Host::Unix(folder)] = config.get_hosts() else { panic!("the tests' Postgres has one socket") };
        let socket: PathBuf = folder.join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://postgres@{}/{}", listener.local_addr().unwrap(), self.name);
        let state = Arc::new(State::default());
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !accepting.closed.load(Ordering::SeqCst) {
                    let (socket, state) = (socket.clone(), Arc::clone(&accepting));
                    tokio::spawn(async move { pass_on(client, &socket, &state).await });
                }
            }
        });
        CutCommits { url, state }
    }
}

impl CutCommits {
    /// Cuts the next commit.
    pub fn cut_next(&self, cut: Cut) {
        *self.state.next.lock().unwrap() = Some(cut);
    }

    /// Whether that has happened.
    pub fn has_cut(&self) -> bool {
        self.state.next.lock().unwrap().is_none()
    }

    /// Whether what is said on this way arrives nowhere, from now on.
    pub fn swallow(&self, swallows: bool) {
        self.state.swallows.store(swallows, Ordering::SeqCst);
    }

    /// Lets the commit arrive that was on its way.
    pub fn let_through(&self) {
        self.state.through.notify_one();
    }
}

async fn pass_on(mut client: TcpStream, socket: &Path, state: &State) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let (mut said, mut answered) = ([0; 8192], [0; 8192]);
    // Nothing arrives in the middle of a stream that did not arrive before.
    let mut deaf = false;
    loop {
        tokio::select! {
            read = client.read(&mut said) => {
                let said = &said[..read?];
                deaf |= state.swallows.load(Ordering::SeqCst);
                if deaf && !said.is_empty() {
                    continue;
                }
                let cut = if said.ends_with(COMMIT) { state.next.lock().unwrap().take() } else { None };
                match cut {
                    None => server.write_all(said).await?,
                    Some(Cut::Before) => return Ok(()),
                    Some(cut) => {
                        state.closed.store(cut == Cut::AfterForGood, Ordering::SeqCst);
                        if cut == Cut::Meanwhile {
                            drop(client);
                            state.through.notified().await;
                        }
                        server.write_all(said).await?;
                        // It answers when it has committed.
                        return server.read(&mut answered).await.map(drop);
                    }
                }
                if said.is_empty() {
                    return Ok(());
                }
            }
            read = server.read(&mut answered) => match read? {
                0 => return Ok(()),
                read => client.write_all(&answered[..read]).await?,
            }
        }
    }
}
