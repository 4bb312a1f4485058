//! One domain for two services, the issuer of the tokens and Auth0's HTTP API, behind a proxy that
//! splits it by path. Clients that know one domain are configured so.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::PathBuf, sync::Arc};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{
    TestServer,
    child::temp_dir,
    tls::Authority,
    tokens::Token,
    web_server::{Answer, Asked, WebServer},
};

/// The proxy, and what is behind it.
pub struct OneDomain {
    /// What a client is given instead of `tenant.auth0.com`. It speaks TLS.
    pub name: String,
    /// The file with the certificate of the authority that is trusted there.
    pub authority: PathBuf,
    /// Auth0's HTTP without the proxy.
    pub server: TestServer,
    /// Who issues tokens, without the proxy.
    pub issuer: WebServer,
}

impl OneDomain {
    /// Starts on a database of its own. Each client gets its token with any secret, made at that
    /// moment.
    pub async fn start(tokens: BTreeMap<&'static str, fn() -> Token>) -> Self {
        let server = TestServer::start_auth0().await;
        let issuer = WebServer::start(|_| move |asked| issue(&tokens, asked)).await;
        let authority = Authority::new("one domain");
        let trusted =
            temp_dir(&format!("{}_one_domain", server.database.name)).join("authority.pem");
        fs::write(&trusted, authority.pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = format!("localhost:{}", listener.local_addr().unwrap().port());
        let acceptor = TlsAcceptor::from(Arc::new(authority.issue().server_config()));
        tokio::spawn(serve(listener, acceptor, issuer.address, server.address));
        Self { name, authority: trusted, server, issuer }
    }
}

/// The token of the client that asks: in a form, or by the path, if it has a domain of its own.
fn issue(tokens: &BTreeMap<&'static str, fn() -> Token>, asked: &Asked) -> Answer {
    let client = asked.path.strip_suffix("/oauth/token").map(|path| path.trim_start_matches('/'));
    let client = client
        .filter(|client| !client.is_empty())
        .or_else(|| asked.form.get("client_id").map(String::as_str));
    match client.and_then(|client| tokens.get(client)) {
        Some(token) => {
            let token = token().sign();
            Answer::ok(
                &json!({"access_token": token, "token_type": "Bearer", "expires_in": 600})
                    .to_string(),
            )
        }
        None => Answer::status("404 Not Found"),
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    issuer: SocketAddr,
    server: SocketAddr,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client that does not trust the certificate goes away, and its test says so.
            let Ok(mut client) = acceptor.accept(stream).await else { return };
            let mut begin = Vec::new();
            while !begin.contains(&b'\n') {
                if !matches!(client.read_buf(&mut begin).await, Ok(1..)) {
                    return;
                }
            }
            let is_for_issuer = begin.starts_with(b"POST /oauth/token ");
            let mut service =
                TcpStream::connect(if is_for_issuer { issuer } else { server }).await.unwrap();
            service.write_all(&begin).await.unwrap();
            // Either may hang up when it has what it wants.
            let _ = copy_bidirectional(&mut client, &mut service).await;
        });
    }
}
