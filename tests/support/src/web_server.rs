//! A fake of another party's web server. A test decides its responses, and it records its requests.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

use super::form::{self, Form};

/// The time between two bytes of a response that drips.
const DRIP: Duration = Duration::from_millis(100);

/// The response to a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes, and then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing; the connection stays open.
    Begin(Vec<u8>),
    /// These bytes, one at a time.
    Drip(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// These bytes, after the test's notification, which releases all such responses.
    Held(Arc<Notify>, Vec<u8>),
    /// None: the connection is reset.
    Reset,
}

/// A request that the server received.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: Form,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The values of a form in the body.
    pub form: Form,
}

/// Makes the response to a request for whose path a test has set none.
type Otherwise = Box<dyn Fn(&Asked) -> Answer + Send + Sync>;

struct Site {
    /// The responses that a test has set, by path.
    answers: Mutex<BTreeMap<String, Answer>>,
    /// The notifications for which the next response waits, by path.
    holds: Mutex<BTreeMap<String, Arc<Notify>>>,
    otherwise: Otherwise,
    asked: watch::Sender<Vec<Asked>>,
}

/// The server.
pub struct WebServer {
    /// The address on which it listens.
    pub address: SocketAddr,
    site: Arc<Site>,
}

impl Answer {
    /// A response with further header lines, each with its line end.
    pub fn new(status: &str, head: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        Self::Bytes(text.into_bytes())
    }

    /// A response with the status 200 and a JSON body.
    pub fn ok(body: &str) -> Self {
        Self::new("200 OK", "content-type: application/json\r\n", body)
    }

    /// A response without a body.
    pub fn status(line: &str) -> Self {
        Self::new(line, "", "")
    }

    /// A redirect to this URL.
    pub fn redirect(to: &str) -> Self {
        Self::new("302 Found", &format!("location: {to}\r\n"), "")
    }

    /// The same response, sent after the returned notification.
    pub fn held(self) -> (Self, Arc<Notify>) {
        let release = Arc::new(Notify::new());
        match self {
            Self::Bytes(bytes) => (Self::Held(Arc::clone(&release), bytes), release),
            other => (other, release),
        }
    }
}

impl WebServer {
    /// A server that responds with this at `/jwks`, and with 404 elsewhere.
    pub async fn of_keys(answer: Answer) -> Self {
        let server = Self::start(|_| |_| Answer::status("404 Not Found")).await;
        server.answer("/jwks", answer);
        server
    }

    /// A server of these files, each at its path.
    pub async fn of_files(files: &[(&str, PathBuf)]) -> Self {
        let server = Self::start(|_| |_| Answer::status("404 Not Found")).await;
        for (path, file) in files {
            let media_type =
                if file.extension().unwrap() == "html" { "text/html" } else { "text/javascript" };
            let head = format!("content-type: {media_type}; charset=utf-8\r\n");
            server.answer(path, Answer::new("200 OK", &head, &fs::read_to_string(file).unwrap()));
        }
        server
    }

    /// A server that responds by a function, which is made from the server's address.
    pub async fn start<F: Fn(&Asked) -> Answer + Send + Sync + 'static>(
        make: impl FnOnce(SocketAddr) -> F,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let otherwise = Box::new(make(address));
        let site = Arc::new(Site {
            answers: Mutex::default(),
            holds: Mutex::default(),
            otherwise,
            asked: watch::Sender::default(),
        });
        let server = Self { address, site: Arc::clone(&site) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(exchange(stream, Arc::clone(&site)));
            }
        });
        server
    }

    /// Sets the response for a path from now on.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.site.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Removes the response that a test set for a path.
    pub fn answer_as_ever(&self, path: &str) {
        self.site.answers.lock().unwrap().remove(path);
    }

    /// Makes the next response for a path wait for the returned notification. The response is made
    /// before the wait.
    pub fn hold(&self, path: &str) -> Arc<Notify> {
        let release = Arc::new(Notify::new());
        self.site.holds.lock().unwrap().insert(path.to_owned(), Arc::clone(&release));
        release
    }

    /// How many requests it has received, for any path.
    pub fn asked(&self) -> usize {
        self.site.asked.borrow().len()
    }

    /// The requests that it has received for a path.
    pub fn asked_for(&self, path: &str) -> Vec<Asked> {
        self.site.asked.borrow().iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// Waits until it has received so many requests for a path.
    pub async fn until_asked_for(&self, path: &str, times: usize) {
        let mut asked = self.site.asked.subscribe();
        let wait = asked
            .wait_for(|asked| asked.iter().filter(|asked| asked.path == path).count() >= times);
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("the requests should arrive")
            .unwrap();
    }

    /// Waits until it has received this many requests more.
    pub async fn until_asked(&self, more: usize) {
        let goal = self.asked() + more;
        let mut asked = self.site.asked.subscribe();
        let wait = asked.wait_for(|asked| asked.len() >= goal);
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("the requests should arrive")
            .unwrap();
    }
}

/// The next request of a connection; `None` if the connection ends before.
async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let (first, lines) = text.split_once("\r\n").unwrap_or((&text, ""));
    let (method, target) = first.split_once(' ')?;
    let target = target.split(' ').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines.lines().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<String, String> =
        headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < head + 4 + length {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    let form = form::parse(&String::from_utf8_lossy(&bytes[head + 4..]));
    Some(Asked {
        method: method.to_owned(),
        path: path.to_owned(),
        query: form::parse(query),
        headers,
        form,
    })
}

async fn exchange(mut stream: TcpStream, site: Arc<Site>) {
    let Some(asked) = read(&mut stream).await else { return };
    let decided = site.answers.lock().unwrap().get(&asked.path).cloned();
    let answer = decided.unwrap_or_else(|| (site.otherwise)(&asked));
    let held = site.holds.lock().unwrap().remove(&asked.path);
    site.asked.send_modify(|all| all.push(asked));
    if let Some(release) = held {
        release.notified().await;
    }
    // A client that has read enough may close the connection: that is no failure of the test.
    match answer {
        Answer::Bytes(bytes) => drop(stream.write_all(&bytes).await),
        Answer::Begin(bytes) => {
            drop(stream.write_all(&bytes).await);
            std::future::pending::<()>().await;
        }
        Answer::Drip(bytes) => {
            let mut drops = tokio::time::interval(DRIP);
            for byte in bytes {
                drops.tick().await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
        Answer::Held(release, bytes) => {
            release.notified().await;
            release.notify_one();
            drop(stream.write_all(&bytes).await);
        }
        Answer::Endless(bytes) => while stream.write_all(&bytes).await.is_ok() {},
        Answer::Reset => drop(stream.set_zero_linger()),
    }
}
