//! A login backend on axum: sign-in, sign-out, and a settings page that links and unlinks.
//!
//! The routes and the story are in `../README.md`. The sessions are in memory, so this is one process.

mod linking;
mod pages;
mod refusals;
mod sentences;
mod sessions;
mod visitor;

use std::{collections::HashSet, error::Error, net::IpAddr, path::PathBuf, sync::Arc};

use axum::{
    Form, Router,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::Uri,
    middleware,
    response::Redirect,
    routing::{get, post},
};
use axum_extra::extract::CookieJar;
use clap::Parser;
use futures_util::TryStreamExt as _;
use identity_link_client::{
    Client, TokenSource,
    v1::{
        CompleteSignInRequest, IdentityRef, ListProvidersRequest, SignInDecision, SignInIntent,
        SignInProvider, StartSignInRequest, UnlinkRequest,
        complete_sign_in_response::Result as Completed, sign_in_provider::Mode,
        start_sign_in_request::Intent,
    },
};
use serde::Deserialize;
use tokio::net::TcpListener;

use self::{
    pages::{Page, View},
    refusals::Refusal,
    sentences::BEGIN_AGAIN,
    sessions::{Kind, Pending, Sessions},
    visitor::{Cookies, RecentSignIn, Visitor, value},
};

const BODY_BYTES: usize = 16384;

/// A login backend
#[derive(Parser)]
struct Settings {
    /// The URL at which people reach this backend
    #[arg(long, env, default_value = "http://127.0.0.1:8080")]
    base_url: String,
    /// The URL of identity-link
    #[arg(long, env, default_value = "http://127.0.0.1:50051")]
    identity_link: String,
    /// A file with a token that has the scopes sign_in:users, read:users and update:users
    #[arg(long, env)]
    token_file: PathBuf,
    /// After so many seconds, a session reads only: linking and unlinking need a new sign-in
    #[arg(long, env, default_value_t = 600.0)]
    sign_in_max_age: f64,
    /// Where to listen, if not at BASE_URL
    #[arg(long, env)]
    listen: Option<Uri>,
}

struct App {
    settings: Settings,
    client: Client,
    cookies: Cookies,
    sessions: Sessions,
}

impl App {
    /// The jar with a new session, in place of the one that it has.
    fn begin(&self, jar: CookieJar, decision: SignInDecision) -> CookieJar {
        let key = self.sessions.begin(value(&jar, self.cookies.session), decision);
        jar.add(self.cookies.of_session(key))
    }

    /// Links the account of the session's ticket, which is taken before.
    async fn carry_out(&self, signed_in: &RecentSignIn) -> Result<(), Refusal> {
        let RecentSignIn { key, user, .. } = signed_in;
        let pending = self.sessions.change(key, |session| session.pending.take()).flatten();
        let pending = pending.ok_or(Refusal::asking(BEGIN_AGAIN))?;
        let notice = format!("Your account at {} is linked.", pending.provider);
        linking::carry_out(&self.client, user, pending).await?;
        self.sessions.change(key, |session| session.notice = notice);
        Ok(())
    }
}

type Shared = State<Arc<App>>;

async fn home(State(app): Shared, visitor: Option<Visitor>) -> Result<Page, Refusal> {
    // A link by a service's token needs a sign-in too, so a provider that is link-only has no button.
    let listed: Vec<SignInProvider> =
        app.client.list_providers_all(ListProvidersRequest::default()).try_collect().await?;
    let named = listed.iter().map(|each| (each.provider.clone(), each.display_name.clone()));
    let names = named.collect();
    let mut offered = listed;
    offered.retain(|each| each.mode() == Mode::SignIn);
    let view = match visitor {
        Some(Visitor { key, session, user: Some(user) }) => {
            let notice = app.sessions.change(&key, |session| std::mem::take(&mut session.notice));
            let (user, notice) = (Box::new(user), notice.unwrap_or_default());
            View::Settings { user, notice, pending: session.pending }
        }
        Some(Visitor { session, .. }) => session.pending.map_or(View::Login, View::Waiting),
        None => View::Login,
    };
    if let View::Waiting(Pending { kind: Kind::Candidates(candidates), .. }) = &view {
        // The candidates' providers only: an account of another one is not the one that was noticed.
        let theirs: HashSet<&String> = candidates.values().flatten().collect();
        offered.retain(|each| theirs.contains(&each.provider));
    }
    Ok(Page { view, offered, names })
}

#[derive(Deserialize)]
struct Choice {
    provider: String,
}

/// Sends the browser to a provider, and returns the attempt's secret too.
async fn to_provider(
    app: &App,
    jar: CookieJar,
    provider: String,
    purpose: &str,
) -> Result<(CookieJar, Redirect, String), Refusal> {
    let started = app.client.start_sign_in(StartSignInRequest {
        redirect_uri: format!("{}/callback/{provider}", app.settings.base_url),
        provider,
        intent: Some(Intent::SignIn(SignInIntent {})),
        ..Default::default()
    });
    let started = started.await?;
    let cookie = app.cookies.of_attempt(format!("{purpose}.{}", started.attempt_secret));
    Ok((jar.add(cookie), Redirect::to(&started.authorization_url), started.attempt_secret))
}

async fn sign_in(
    State(app): Shared,
    jar: CookieJar,
    form: Result<Form<Choice>, FormRejection>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let Form(Choice { provider }) = form?;
    let (jar, redirect, _) = to_provider(&app, jar, provider, "sign-in").await?;
    Ok((jar, redirect))
}

/// The query with which a provider sends the browser back.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Returned {
    state: String,
    code: String,
    iss: String,
    error: String,
}

async fn callback(
    State(app): Shared,
    uri: Uri,
    jar: CookieJar,
    visitor: Option<Visitor>,
    query: Result<Query<Returned>, QueryRejection>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let Query(returned) = query?;
    let attempt = value(&jar, app.cookies.attempt);
    let (purpose, secret) = attempt.split_once('.').unwrap_or_default();
    let linking = match purpose == "link" {
        true => Some(RecentSignIn::of(visitor, &app)?),
        false => None,
    };
    // A link ends in the session that began it.
    let is_other = linking.as_ref().is_some_and(|begun| begun.session.link_secret != secret);
    if secret.is_empty() || is_other {
        return Err(Refusal::asking(BEGIN_AGAIN));
    }
    let completed = app.client.complete_sign_in(CompleteSignInRequest {
        attempt_secret: secret.to_owned(),
        state: returned.state,
        code: returned.code,
        iss: returned.iss,
        error: returned.error,
        // From the request that arrived: it shows which provider sent the browser.
        redirect_uri: format!("{}{}", app.settings.base_url, uri.path()),
        validate_only: linking.is_some(),
        ..Default::default()
    });
    let completed = completed.await?;
    let Some(Completed::Decision(decision)) = completed.result else {
        return Err(Refusal::asking(BEGIN_AGAIN));
    };
    let jar = app.cookies.drop(jar, app.cookies.attempt);
    let Some(signed_in) = linking else {
        return Ok((app.begin(jar, decision), Redirect::to("/")));
    };
    let pending =
        linking::preview(&app.client, &signed_in.user, decision, completed.ticket).await?;
    let is_question = matches!(pending.kind, Kind::Absorption { .. });
    app.sessions.change(&signed_in.key, |session| {
        session.link_secret.clear();
        session.pending = Some(pending);
    });
    if !is_question {
        app.carry_out(&signed_in).await?;
    }
    Ok((jar, Redirect::to("/")))
}

async fn new_user(
    State(app): Shared,
    jar: CookieJar,
    visitor: Option<Visitor>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let waiting = visitor.filter(|visitor| visitor.user.is_none());
    let pending = waiting.and_then(|visitor| visitor.session.pending);
    let pending = pending.ok_or(Refusal::asking(BEGIN_AGAIN))?;
    let decision = linking::resolve(&app.client, pending.ticket).await?;
    Ok((app.begin(jar, decision), Redirect::to("/")))
}

async fn link(
    State(app): Shared,
    jar: CookieJar,
    signed_in: RecentSignIn,
    form: Result<Form<Choice>, FormRejection>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let Form(Choice { provider }) = form?;
    let (jar, redirect, secret) = to_provider(&app, jar, provider, "link").await?;
    app.sessions.change(&signed_in.key, |session| session.link_secret = secret);
    Ok((jar, redirect))
}

async fn link_pending(State(app): Shared, signed_in: RecentSignIn) -> Result<Redirect, Refusal> {
    app.carry_out(&signed_in).await?;
    Ok(Redirect::to("/"))
}

async fn forget(State(app): Shared, visitor: Option<Visitor>) -> Redirect {
    if let Some(Visitor { key, user: Some(_), .. }) = visitor {
        app.sessions.change(&key, |session| session.pending = None);
    }
    Redirect::to("/")
}

async fn unlink(
    State(app): Shared,
    RecentSignIn { key, user, .. }: RecentSignIn,
    form: Result<Form<Account>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Form(Account { provider, subject }) = form?;
    let notice = format!("Your account at {provider} is unlinked.");
    let identity = Some(IdentityRef { provider, subject });
    app.client.unlink(UnlinkRequest { user_id: user.id, identity, ..Default::default() }).await?;
    app.sessions.change(&key, |session| session.notice = notice);
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct Account {
    provider: String,
    subject: String,
}

async fn sign_out(State(app): Shared, jar: CookieJar) -> (CookieJar, Redirect) {
    app.sessions.end(value(&jar, app.cookies.session));
    (app.cookies.drop(jar, app.cookies.session), Redirect::to("/"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse();
    let here: Uri = settings.base_url.parse()?;
    let host = here.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_secure = here.scheme_str() == Some("https");
    if !is_secure && !host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()) {
        return Err("BASE_URL: without https, cookies are safe on a loopback address only".into());
    }
    let token = TokenSource::file(&settings.token_file);
    let client = Client::builder(&settings.identity_link, token).build()?;
    let listen = settings.listen.as_ref().unwrap_or(&here).authority();
    let listener = TcpListener::bind(listen.ok_or("LISTEN: it has no address")?.as_str()).await?;
    println!("serving {} on http://{}", settings.base_url, listener.local_addr()?);

    let cookies = Cookies::new(is_secure);
    let app = Arc::new(App { settings, client, cookies, sessions: Sessions::default() });
    let routes = Router::new()
        .route("/", get(home))
        .route("/callback/{provider}", get(callback))
        .route("/sign-in", post(sign_in))
        .route("/new-user", post(new_user))
        .route("/link", post(link))
        .route("/link-pending", post(link_pending))
        .route("/forget", post(forget))
        .route("/unlink", post(unlink))
        .route("/sign-out", post(sign_out))
        .fallback(refusals::no_page)
        .method_not_allowed_fallback(refusals::no_page)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), refusals::guard))
        .with_state(app);
    axum::serve(listener, routes).await?;
    Ok(())
}
