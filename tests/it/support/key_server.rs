//! A web server of an issuer, as good or as bad as a test wants it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

/// What is answered to a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// A beginning, and never the rest.
    Begin(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// These bytes, when the test says so.
    Held(Arc<Notify>, Vec<u8>),
    /// Nothing, and the connection is reset.
    Reset,
}

/// What is answered, by path.
type Site = Arc<Mutex<BTreeMap<String, Answer>>>;

/// The server; it goes with the test.
pub struct KeyServer {
    /// Where it listens.
    pub address: SocketAddr,
    site: Site,
    asked: watch::Sender<usize>,
}

impl Answer {
    /// A good answer.
    pub fn ok(body: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        Self::Bytes((head + body).into_bytes())
    }

    /// The same, when the test says so.
    pub fn held(self) -> (Self, Arc<Notify>) {
        let release = Arc::new(Notify::new());
        match self {
            Self::Bytes(bytes) => (Self::Held(Arc::clone(&release), bytes), release),
            other => (other, release),
        }
    }

    /// An answer without a body.
    pub fn status(line: &str) -> Self {
        Self::Bytes(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes())
    }
}

impl KeyServer {
    /// A server that answers this at `/jwks`.
    pub async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, site: Arc::default(), asked: watch::Sender::new(0) };
        server.answer("/jwks", answer);
        let (site, asked) = (Arc::clone(&server.site), server.asked.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(exchange(stream, Arc::clone(&site), asked.clone()));
            }
        });
        server
    }

    /// From now on this is answered at a path.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.site.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// How often it was asked, for whatever.
    pub fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until it is asked this many times more.
    pub async fn until_asked(&self, more: usize) {
        let goal = self.asked() + more;
        let mut asked = self.asked.subscribe();
        let wait = asked.wait_for(|asked| *asked >= goal);
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it is asked").unwrap();
    }
}

async fn exchange(mut stream: TcpStream, site: Site, asked: watch::Sender<usize>) {
    let mut request = [0; 4096];
    let read = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = request.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let answer = site.lock().unwrap().get(path).cloned();
    asked.send_modify(|asked| *asked += 1);
    // Who has read enough may hang up: that is no failure of the test.
    match answer.unwrap_or_else(|| Answer::status("404 Not Found")) {
        Answer::Bytes(bytes) => drop(stream.write_all(&bytes).await),
        Answer::Begin(bytes) => {
            drop(stream.write_all(&bytes).await);
            std::future::pending::<()>().await;
        }
        Answer::Held(release, bytes) => {
            release.notified().await;
            drop(stream.write_all(&bytes).await);
        }
        Answer::Endless(bytes) => while stream.write_all(&bytes).await.is_ok() {},
        Answer::Reset => drop(stream.set_zero_linger()),
    }
}
