//! The demo's cookies, and the sessions of its users.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::Redirect,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use uuid::Uuid;

use super::Demo;

/// The cookie that names the signed-in user's session.
const SESSION: &str = "demo-session";
/// The cookie with the secret of a flow that has begun.
pub(super) const ATTEMPT: &str = "demo-attempt";
/// The cookie with the ticket of an account that waits to be joined.
pub(super) const TICKET: &str = "demo-ticket";

/// A cookie that only the demo reads. It is not `Secure`: the demo is plain HTTP on this machine.
pub(super) fn cookie(name: &'static str, value: impl Into<String>) -> Cookie<'static> {
    Cookie::build((name, value.into())).path("/").http_only(true).same_site(SameSite::Lax).build()
}

/// The jar without this cookie, so that the browser drops it.
pub(super) fn without(jar: CookieJar, name: &'static str) -> CookieJar {
    jar.remove(cookie(name, ""))
}

/// The value of a cookie; empty if there is none.
pub(super) fn value<'a>(jar: &'a CookieJar, name: &str) -> &'a str {
    jar.get(name).map(Cookie::value).unwrap_or_default()
}

/// The user ids by the session in the cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<String, String>>);

impl Sessions {
    /// Begins a session of the user.
    pub(super) fn begin(&self, jar: CookieJar, user_id: &str) -> CookieJar {
        let session = Uuid::new_v4().to_string();
        self.lock().insert(session.clone(), user_id.to_owned());
        jar.add(cookie(SESSION, session))
    }

    /// Ends the session that the cookie names.
    pub(super) fn end(&self, jar: CookieJar) -> CookieJar {
        self.lock().remove(value(&jar, SESSION));
        without(jar, SESSION)
    }

    /// The user of the session that the cookie names.
    fn user(&self, jar: &CookieJar) -> Option<SignedIn> {
        self.lock().get(value(jar, SESSION)).cloned().map(SignedIn)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id of the signed-in user. A request without a session, from a user who has signed out
/// meanwhile, is redirected to the login page.
#[derive(Debug)]
pub(super) struct SignedIn(pub String);

impl OptionalFromRequestParts<Arc<Demo>> for SignedIn {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        demo: &Arc<Demo>,
    ) -> Result<Option<Self>, Infallible> {
        Ok(demo.sessions.user(&CookieJar::from_headers(&parts.headers)))
    }
}

impl FromRequestParts<Arc<Demo>> for SignedIn {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, demo: &Arc<Demo>) -> Result<Self, Redirect> {
        let user = demo.sessions.user(&CookieJar::from_headers(&parts.headers));
        user.ok_or_else(|| Redirect::to("/login"))
    }
}

/// That the request has no session. A user who has signed in meanwhile is redirected to the
/// settings page.
#[derive(Debug)]
pub(super) struct SignedOut;

impl FromRequestParts<Arc<Demo>> for SignedOut {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, demo: &Arc<Demo>) -> Result<Self, Redirect> {
        match demo.sessions.user(&CookieJar::from_headers(&parts.headers)) {
            Some(_) => Err(Redirect::to("/settings")),
            None => Ok(Self),
        }
    }
}
