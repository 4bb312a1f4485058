//! A proxy in front of a test's database that drops the startup option `options` of connections, as
//! a pooler does that ignores it.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpStream, UnixStream},
};

use super::cluster::Database;

/// The first number of a connection that speaks version 3.0 of the protocol.
const VERSION_3: u32 = 3 << 16;
const OPTIONS: &[u8] = b"options";

/// The proxy in front of a database.
pub struct DroppedOptions {
    /// The URL of the database through the proxy.
    pub url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    passes: AtomicBool,
    seen: Mutex<Vec<String>>,
}

impl Database {
    /// Starts a proxy in front of this database that drops the options of each new connection.
    pub async fn db_with_dropped_options(&self) -> DroppedOptions {
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let front =
            self.db_front(move |client, server| pass_on(client, server, Arc::clone(&shared))).await;
        DroppedOptions { url: self.url_through(front), state }
    }
}

impl DroppedOptions {
    /// Sets whether the options of new connections pass, from now on.
    pub fn pass(&self, passes: bool) {
        self.state.passes.store(passes, Ordering::SeqCst);
    }

    /// The options that clients sent.
    pub fn seen(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().clone()
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    state: Arc<State>,
) -> io::Result<()> {
    let length = usize::try_from(client.read_u32().await?).unwrap();
    let mut message = vec![0; length - size_of::<u32>()];
    client.read_exact(&mut message).await?;
    // Any other is a request to cancel a statement.
    if message.starts_with(&VERSION_3.to_be_bytes()) {
        let parameters = message.split_off(size_of::<u32>());
        message.extend(state.kept(&parameters));
    }
    server.write_u32(u32::try_from(size_of::<u32>() + message.len()).unwrap()).await?;
    server.write_all(&message).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

impl State {
    /// The parameters that pass: names and values, with a zero byte after each, and one after all.
    fn kept(&self, parameters: &[u8]) -> Vec<u8> {
        let mut kept = Vec::new();
        let texts: Vec<&[u8]> = parameters.split(|byte| *byte == 0).collect();
        for pair in texts.chunks_exact(2).take_while(|pair| !pair[0].is_empty()) {
            if pair[0] == OPTIONS {
                self.seen.lock().unwrap().push(String::from_utf8(pair[1].to_vec()).unwrap());
                if !self.passes.load(Ordering::SeqCst) {
                    continue;
                }
            }
            kept.extend([pair[0], pair[1], b""].join(&0));
        }
        kept.push(0);
        kept
    }
}
