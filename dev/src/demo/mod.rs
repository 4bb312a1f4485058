//! A demo in the browser: a login page and a settings page as a backend would have them, and
//! providers at which a visitor signs in as any account.

mod backend;
mod login;
mod provider;
mod settings;
mod web;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use http::{Method, Request, StatusCode};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    backend::Backend,
    provider::{CLIENT, KEY, PROVIDERS, Providers},
    web::{DemoRequest, Reply, redirect, status, with_cookie},
};
use crate::keys::{self, KeyError};

/// The cookie that names the signed-in user's session.
const SESSION: &str = "demo-session";
/// The cookie with the secret of a flow that has begun.
const ATTEMPT: &str = "demo-attempt";
/// The cookie with the ticket of a sign-in that led to candidates.
const TICKET: &str = "demo-ticket";

/// The demo.
struct Demo {
    /// The demo's host and port, as a browser sends them: `127.0.0.1:50080`.
    host: String,
    backend: Backend,
    providers: Providers,
    /// The user ids by the session in the cookie.
    sessions: Mutex<BTreeMap<String, String>>,
}

/// The URL of a demo at an address.
pub fn base(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// The path prefix to which the demo's providers redirect.
const CALLBACK: &str = "/callback/";

/// The redirect URI of a provider of the demo. It contains the provider's name, so the return names
/// its provider.
fn redirect_uri(base: &str, provider: &str) -> String {
    format!("{base}{CALLBACK}{provider}")
}

/// Makes the key of the demo's providers if it is missing.
///
/// # Errors
/// If the key cannot be made, or a file cannot be read or written.
pub fn ensure_key(data_dir: &Path) -> Result<(), KeyError> {
    keys::ensure(data_dir, KEY)
}

/// The configuration of the providers of a demo at `base`.
pub fn config_toml(tenant: &str, base: &str) -> String {
    let mut toml = String::new();
    let (client_id, client_secret) = CLIENT;
    for provider in PROVIDERS {
        // Writing to a String cannot fail.
        let _ = write!(
            toml,
            "\n[tenants.{tenant}.providers.{name}]\n{settings}\n\
             [tenants.{tenant}.providers.{name}.oauth]\nkind = \"oidc\"\nissuer = {issuer:?}\n\
             client_id = {client_id:?}\nclient_secret = {client_secret:?}\nredirect_uris = [{redirect_uri:?}]\n\
             display_name = {display_name:?}\nalgorithms = [\"EdDSA\"]\n",
            name = provider.name,
            settings = provider.settings,
            issuer = provider::issuer(base, provider.name),
            redirect_uri = redirect_uri(base, provider.name),
            display_name = provider.display_name,
        );
    }
    toml
}

/// Serves the demo until `shutdown`: pages on `listener`, for the service at `service`, with the
/// local issuers of `data_dir`.
///
/// # Errors
/// The listener or the service has no address.
pub async fn serve(
    listener: TcpListener,
    service: SocketAddr,
    data_dir: PathBuf,
    shutdown: CancellationToken,
) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let demo = Arc::new(Demo {
        host: address.to_string(),
        backend: Backend::new(service, data_dir.clone(), base(address))?,
        providers: Providers::new(data_dir, base(address)),
        sessions: Mutex::default(),
    });
    loop {
        let stream = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection to the demo was not accepted");
                    continue;
                }
            },
        };
        let (demo, shutdown) = (Arc::clone(&demo), shutdown.clone());
        tokio::spawn(async move {
            let response = service_fn(|request| {
                let demo = Arc::clone(&demo);
                async move { Ok::<_, Infallible>(demo.respond(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), response);
            tokio::select! {
                // A browser that closes its connection is no error.
                _ = connection => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
}

impl Demo {
    async fn respond(&self, request: Request<Incoming>) -> Reply {
        let Some(incoming) = DemoRequest::read(request, &self.host).await else {
            return status(StatusCode::BAD_REQUEST);
        };
        if incoming.path.starts_with("/providers/") {
            return self.providers.respond(&incoming);
        }
        let user = self.user(&incoming);
        match (&incoming.method, incoming.path.as_str(), user) {
            (&Method::GET, "/", None) => self.login_page(&incoming).await,
            (&Method::GET, "/", Some(user)) => self.settings_page(&incoming, &user).await,
            (&Method::GET, path, user) if path.starts_with(CALLBACK) => {
                self.return_from_provider(&incoming, user.as_deref()).await
            }
            (&Method::POST, "/sign-in", None) => self.go_to_provider(&incoming, None).await,
            (&Method::POST, "/own-user", None) => self.create_own_user(&incoming).await,
            (&Method::POST, "/link", Some(user)) => {
                self.go_to_provider(&incoming, Some(&user)).await
            }
            (&Method::POST, "/link-ticket", Some(user)) => self.link_ticket(&incoming, &user).await,
            (&Method::POST, "/unlink", Some(user)) => self.unlink(&incoming, &user).await,
            (&Method::POST, "/sign-out", _) => self.sign_out(&incoming),
            // The user has signed in or out meanwhile.
            (&Method::POST, "/sign-in" | "/own-user" | "/link" | "/link-ticket" | "/unlink", _) => {
                redirect("/")
            }
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    /// The id of the signed-in user.
    fn user(&self, incoming: &DemoRequest) -> Option<String> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(incoming.cookies.get(SESSION)).cloned()
    }

    /// The reply, with a session for the user.
    fn signed_in(&self, reply: Reply, user_id: &str) -> Reply {
        let session = Uuid::new_v4().to_string();
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.clone(), user_id.to_owned());
        with_cookie(reply, SESSION, &session)
    }

    fn sign_out(&self, incoming: &DemoRequest) -> Reply {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(incoming.cookies.get(SESSION));
        with_cookie(redirect("/"), SESSION, "")
    }
}
