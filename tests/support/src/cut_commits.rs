//! A proxy in front of a test's database that can lose the response to a commit.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    sync::Notify,
};

use super::cluster::Database;

/// `COMMIT` as the client sends it.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// What happens to a commit whose client is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It does not reach the database.
    Before,
    /// The database commits it.
    After,
    /// The database commits it, and the proxy accepts no connection after it.
    AfterForGood,
    /// It reaches the database after [`CutCommits::let_through`].
    Meanwhile,
}

/// The proxy in front of a database.
pub struct CutCommits {
    /// The URL of the database through the proxy.
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
    /// Starts a proxy in front of this database that can cut commits.
    pub async fn db_with_cuts(&self) -> CutCommits {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let front =
            self.db_front(move |client, server| pass_on(client, server, Arc::clone(&shared))).await;
        CutCommits { url: self.url_through(front), state }
    }
}

impl CutCommits {
    /// Cuts the next commit.
    pub fn cut_next(&self, cut: Cut) {
        *self.state.next.lock().unwrap() = Some(cut);
    }

    /// Whether the commit has been cut.
    pub fn has_cut(&self) -> bool {
        self.state.next.lock().unwrap().is_none()
    }

    /// Sets whether the proxy drops all that clients send, from now on.
    pub fn swallow(&self, swallows: bool) {
        self.state.swallows.store(swallows, Ordering::SeqCst);
    }

    /// Lets the commit through that [`Cut::Meanwhile`] holds.
    pub fn let_through(&self) {
        self.state.through.notify_one();
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    state: Arc<State>,
) -> io::Result<()> {
    if state.closed.load(Ordering::SeqCst) {
        return Ok(());
    }
    let (mut said, mut answered) = ([0; 8192], [0; 8192]);
    // After it has dropped one part of a stream, it drops all that follows.
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
                        // The database responds after it has committed.
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
