//! A proxy in front of a test's database that counts how often a server waits for it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use super::cluster::Database;

/// The name of the connection beside the pool, which checks whether the database is there.
const HEALTH: &[u8] = b"identity-link health";

/// The proxy in front of a database.
pub struct RoundTrips {
    /// The URL of the database through the proxy.
    pub url: String,
    count: Arc<AtomicUsize>,
}

impl Database {
    /// Starts a proxy in front of this database that counts round trips.
    pub async fn db_with_round_trips(&self) -> RoundTrips {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let front = self
            .db_front(move |client, server| pass_on(client, server, Arc::clone(&counted)))
            .await;
        RoundTrips { url: self.url_through(front), count }
    }
}

impl RoundTrips {
    /// How many round trips there have been. What a client sends before the database responds
    /// counts as one. A client that shares the proxy's runtime has sent all of it before the proxy
    /// reads it, so the count does not depend on time.
    pub fn count(&self) -> usize {
        self.count.load(SeqCst)
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    count: Arc<AtomicUsize>,
) -> io::Result<()> {
    let (mut said, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let (mut is_health, mut is_answered) = (None, true);
    loop {
        tokio::select! {
            read = client.read(&mut said) => {
                let said = &said[..read?];
                if said.is_empty() {
                    return Ok(());
                }
                // The name is in the first message of a connection.
                let is_health = *is_health.get_or_insert_with(|| {
                    said.windows(HEALTH.len()).any(|window| window == HEALTH)
                });
                if is_answered && !is_health {
                    count.fetch_add(1, SeqCst);
                }
                is_answered = false;
                server.write_all(said).await?;
            }
            read = server.read(&mut answered) => match read? {
                0 => return Ok(()),
                read => {
                    is_answered = true;
                    client.write_all(&answered[..read]).await?;
                }
            }
        }
    }
}
