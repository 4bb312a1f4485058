//! A demo in the browser: a login page and a settings page as a backend would have them, and
//! stand-ins for providers, at which a visitor signs in as any account.

mod accounts;
mod backend;
mod catalog;
mod guard;
mod joining;
mod leaving;
mod login;
mod pages;
mod provider;
mod sentences;
mod sessions;
mod settings;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::catalog::{config_toml, console_toml};
use self::{
    backend::Backend,
    catalog::{PROVIDERS, STAFF, console_redirect_uri, redirect_uri},
    guard::Hosts,
    pages::{HomePage, Page},
    provider::KEY,
    sentences::NO_PAGE,
    sessions::{Sessions, SignedIn},
};
use crate::keys::{self, KeyError};

/// The longest form that is read, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// The demo.
struct Demo {
    backend: Backend,
    sessions: Sessions,
}

/// Where a demo is.
#[derive(Debug, Clone)]
pub struct Site {
    /// The URL of its listener, at which the service calls its providers. Their issuers contain it.
    pub base: String,
    /// The URL at which browsers reach it: another one than `base` if a port is forwarded.
    pub url: String,
}

impl Site {
    /// A demo that listens on this address, and that browsers reach at this URL, or else there.
    pub fn new(address: SocketAddr, url: Option<String>) -> Self {
        let base = format!("http://{address}");
        Self { url: url.unwrap_or_else(|| base.clone()), base }
    }
}

/// Makes the key of the demo's providers if it is missing.
///
/// # Errors
/// If the key cannot be made, or a file cannot be read or written.
pub fn ensure_key(data_dir: &Path) -> Result<(), KeyError> {
    keys::ensure(data_dir, KEY)
}

/// Serves the demo of a site until `shutdown`: pages on `listener`, for the service at `service` and its
/// console at `console`, with the local issuers of `data_dir`.
///
/// # Errors
/// The listener or the service has no address.
pub async fn serve(
    listener: TcpListener,
    site: Site,
    (service, console): (SocketAddr, SocketAddr),
    data_dir: PathBuf,
    shutdown: CancellationToken,
) -> Result<(), String> {
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let providers = provider_routes(&site, console, &data_dir);
    let hosts = Hosts::new(address, &site.url);
    let backend = Backend::new(service, data_dir, site.url)?;
    let routes = page_routes(Demo { backend, sessions: Sessions::default() })
        .merge(providers)
        .fallback(async || pages::problem(StatusCode::NOT_FOUND, NO_PAGE))
        .method_not_allowed_fallback(async || {
            pages::problem(StatusCode::METHOD_NOT_ALLOWED, NO_PAGE)
        })
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn_with_state(Arc::new(hosts), guard::check_sender))
        .layer(middleware::map_response_with_state(
            Arc::from(guard::policy(console)),
            guard::add_headers,
        ));
    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
        .map_err(|error| error.to_string())
}

/// The pages of the backend, and what their forms do.
fn page_routes(demo: Demo) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login::page))
        .route("/settings", get(settings::page))
        .route("/style.css", get(pages::style))
        .route("/sign-in", post(login::sign_in))
        .route("/own-user", post(login::create_own_user))
        .route("/sign-out", post(settings::sign_out))
        .route("/link", post(settings::link))
        .route("/join", get(joining::page).post(joining::join))
        .route("/keep-apart", post(joining::keep_apart))
        .route("/unlink", get(leaving::unlink_page).post(leaving::restore))
        .route("/release", post(leaving::release))
        .route("/undo", get(leaving::undo_page).post(leaving::undo))
        .route("/primary", get(leaving::primary_page).post(leaving::set_primary))
        .route(catalog::CALLBACK_ROUTE, get(login::return_from_provider))
        .with_state(Arc::new(demo))
}

/// The endpoints of each provider, below the path of its issuer.
fn provider_routes(site: &Site, console: SocketAddr, data_dir: &Path) -> Router {
    let of_users = PROVIDERS.iter().map(|about| (about, redirect_uri(&site.url, about.name)));
    let all = of_users.chain([(&STAFF, console_redirect_uri(console))]);
    all.fold(Router::new(), |router, (about, redirect_uri)| {
        let routes = provider::routes(about, redirect_uri, site, data_dir);
        router.nest(&about.issuer_path(), routes)
    })
}

/// The first page.
async fn home(user: Option<SignedIn>) -> Page<HomePage> {
    Page(HomePage { is_signed_in: user.is_some() })
}
