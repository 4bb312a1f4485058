//! Who sends a request, as extractors: `Option<Visitor>` for what reads, [`RecentSignIn`] for what
//! changes who can sign in. And the cookies that say so.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use identity_link_client::{
    Reason,
    v1::{GetUserRequest, User},
};

use crate::{
    App,
    refusals::Refusal,
    sentences::SIGN_IN_AGAIN,
    sessions::{SESSION_LIFE, Session},
};

const ATTEMPT_LIFE: time::Duration = time::Duration::minutes(10);

/// The names and attributes of the cookies.
pub(crate) struct Cookies {
    is_secure: bool,
    pub(crate) session: &'static str,
    pub(crate) attempt: &'static str,
}

impl Cookies {
    pub(crate) fn new(is_secure: bool) -> Self {
        // With the prefix, a browser takes the cookie from this host only, not from a sister domain.
        let [session, attempt] = match is_secure {
            true => ["__Host-session", "__Host-attempt"],
            false => ["session", "attempt"],
        };
        Self { is_secure, session, attempt }
    }

    pub(crate) fn of_session(&self, key: String) -> Cookie<'static> {
        let life = time::Duration::seconds(SESSION_LIFE.as_secs().cast_signed());
        self.cookie(self.session, key, life)
    }

    pub(crate) fn of_attempt(&self, value: String) -> Cookie<'static> {
        self.cookie(self.attempt, value, ATTEMPT_LIFE)
    }

    /// The jar without this cookie, so that the browser drops it.
    pub(crate) fn drop(&self, jar: CookieJar, name: &'static str) -> CookieJar {
        jar.add(self.cookie(name, String::new(), time::Duration::ZERO))
    }

    fn cookie(&self, name: &'static str, value: String, life: time::Duration) -> Cookie<'static> {
        Cookie::build((name, value))
            .path("/")
            .max_age(life)
            .secure(self.is_secure)
            .http_only(true)
            .same_site(SameSite::Lax)
            .build()
    }
}

/// The value of a cookie; empty if there is none.
pub(crate) fn value<'a>(jar: &'a CookieJar, name: &str) -> &'a str {
    jar.get(name).map(Cookie::value).unwrap_or_default()
}

/// The browser of a request: its session, and the session's user as it is now.
pub(crate) struct Visitor {
    pub(crate) key: String,
    pub(crate) session: Session,
    pub(crate) user: Option<User>,
}

impl OptionalFromRequestParts<Arc<App>> for Visitor {
    type Rejection = Refusal;

    /// The user of a session may have been absorbed: then the session is its holder's, but reads only.
    /// The session ends if the user was deleted or blocked, or if the account that signed in has left
    /// the user.
    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<App>,
    ) -> Result<Option<Self>, Refusal> {
        let jar = CookieJar::from_headers(&parts.headers);
        let key = value(&jar, app.cookies.session).to_owned();
        let Some(mut session) = app.sessions.get(&key) else { return Ok(None) };
        if session.user_id.is_empty() {
            return Ok(Some(Self { key, session, user: None }));
        }
        let get = GetUserRequest { user_id: session.user_id.clone() };
        let user = match app.client.get_user(get).await {
            Ok(got) => got.user,
            Err(error) if error.reason() == Some(Reason::UserNotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let identity = Some(&session.identity);
        let signs_in = |user: &User| {
            !user.blocked
                && user.identities.iter().any(|each| each.identity_ref.as_ref() == identity)
        };
        let Some(user) = user.filter(signs_in) else {
            app.sessions.end(&key);
            return Ok(None);
        };
        if user.id != session.user_id {
            app.sessions.change(&key, |session| {
                session.user_id.clone_from(&user.id);
                session.is_stale = true;
            });
            session.is_stale = true;
        }
        Ok(Some(Self { key, session, user: Some(user) }))
    }
}

/// The session of a request and its user, whose sign-in is recent enough to change who can sign in.
pub(crate) struct RecentSignIn {
    pub(crate) key: String,
    pub(crate) session: Session,
    pub(crate) user: User,
}

impl RecentSignIn {
    pub(crate) fn of(visitor: Option<Visitor>, app: &App) -> Result<Self, Refusal> {
        let max_age = app.settings.sign_in_max_age;
        match visitor {
            Some(Visitor { key, session, user: Some(user) })
                if !session.is_stale && session.since.elapsed().as_secs_f64() <= max_age =>
            {
                Ok(Self { key, session, user })
            }
            _ => Err(Refusal::asking(SIGN_IN_AGAIN)),
        }
    }
}

impl FromRequestParts<Arc<App>> for RecentSignIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        let visitor = <Visitor as OptionalFromRequestParts<_>>::from_request_parts(parts, app);
        Self::of(visitor.await?, app)
    }
}
