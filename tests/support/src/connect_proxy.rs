//! A proxy of a test: by the method CONNECT, to the servers whose names it knows.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use data_encoding::BASE64;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// The proxy.
pub struct ConnectProxy {
    /// The address on which it listens.
    pub address: SocketAddr,
    known: Arc<Known>,
}

struct Known {
    /// Servers by `name:port`.
    servers: BTreeMap<String, SocketAddr>,
    /// The header that a client has to send; `None` for none.
    credentials: Option<String>,
    /// What clients asked for: the targets of their CONNECT.
    asked: Mutex<Vec<String>>,
}

impl ConnectProxy {
    /// A proxy that reaches these servers, each by its name at the port 443.
    pub async fn start(servers: &[(&str, SocketAddr)]) -> Self {
        Self::start_for(servers, None).await
    }

    /// The same, for clients with this user and password only.
    pub async fn start_with_password(
        servers: &[(&str, SocketAddr)],
        user_and_password: &str,
    ) -> Self {
        let encoded = BASE64.encode(user_and_password.as_bytes());
        Self::start_for(servers, Some(format!("Basic {encoded}"))).await
    }

    async fn start_for(servers: &[(&str, SocketAddr)], credentials: Option<String>) -> Self {
        let servers = servers.iter().map(|(name, address)| (format!("{name}:443"), *address));
        let known =
            Arc::new(Known { servers: servers.collect(), credentials, asked: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { address: listener.local_addr().unwrap(), known: Arc::clone(&known) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(client, Arc::clone(&known)));
            }
        });
        proxy
    }

    /// The targets that clients have asked for, in the order of their requests.
    pub fn asked(&self) -> Vec<String> {
        self.known.asked.lock().unwrap().clone()
    }
}

impl Known {
    /// Where a request leads, or the status that refuses it.
    fn judge(&self, head: &str) -> Result<SocketAddr, &'static str> {
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (Some("CONNECT"), Some(target)) = (first.next(), first.next()) else {
            return Err("405 Method Not Allowed");
        };
        self.asked.lock().unwrap().push(target.to_owned());
        let mut headers = lines.filter_map(|line| line.split_once(": "));
        let sent = headers.find_map(|(name, value)| {
            name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
        });
        if self.credentials.is_some() && sent != self.credentials.as_deref() {
            return Err("407 Proxy Authentication Required");
        }
        self.servers.get(target).copied().ok_or("502 Bad Gateway")
    }
}

async fn pass_on(mut client: TcpStream, known: Arc<Known>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    match known.judge(&String::from_utf8_lossy(&head)) {
        Ok(address) => {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            let mut server = TcpStream::connect(address).await?;
            copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
        Err(status) => client.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await,
    }
}
