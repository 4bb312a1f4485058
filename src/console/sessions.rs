//! Sessions of the people that are signed in, and the cookies that name them.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::request::Parts,
    response::{IntoResponse as _, Redirect, Response},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use data_encoding::BASE64URL_NOPAD;
use http::Method;

use super::{App, pages::Problem, texts::Texts};
use crate::{
    domain::StaffRole,
    secret::{is_same, sha256},
    store::{StaffMember, StoreError},
    telemetry::CallRecord,
};

/// A person that is signed in, and the session.
pub(super) struct Staff {
    /// The person.
    pub member: StaffMember,
    /// The hash of the session's token, by which it is stored.
    pub session: [u8; 32],
    /// What each form of the pages has, which no other site knows. It stays the same when the person signs
    /// in again in this browser, so that a page that is open then can still be sent.
    pub form_token: String,
    /// The texts in the person's language.
    pub texts: &'static Texts,
}

impl Staff {
    /// Whether a form is one of this person's pages in this browser.
    pub(super) fn sent(&self, form_token: &str) -> bool {
        is_same(&self.form_token, form_token)
    }

    /// Refuses a page to a person whose role is lower than this one. The access table judges each call
    /// again.
    ///
    /// # Errors
    /// [`Problem::Role`].
    pub(super) fn needs(&self, role: StaffRole) -> Result<(), Problem> {
        if self.member.role >= role { Ok(()) } else { Err(Problem::Role(role)) }
    }
}

/// The cookies of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names the session.
    Session,
    /// Holds the secret of a sign-in that has begun.
    Attempt,
    /// Holds the secret that makes the forms of this browser's pages.
    Forms,
}

impl App {
    /// The name of a cookie. With the prefix `__Host-` a browser takes it from this host over https only
    /// (RFC 6265bis §4.1.3.2).
    fn cookie_name(&self, kind: Kind) -> &'static str {
        match (kind, self.settings.is_https()) {
            (Kind::Session, true) => "__Host-console-session",
            (Kind::Session, false) => "console-session",
            (Kind::Attempt, true) => "__Host-console-attempt",
            (Kind::Attempt, false) => "console-attempt",
            (Kind::Forms, true) => "__Host-console-forms",
            (Kind::Forms, false) => "console-forms",
        }
    }

    /// A cookie that no script reads.
    pub(super) fn cookie(&self, kind: Kind, value: impl Into<String>) -> Cookie<'static> {
        // Lax: the browser comes back from the provider, which is another site.
        Cookie::build((self.cookie_name(kind), value.into()))
            .path("/")
            .http_only(true)
            .secure(self.settings.is_https())
            .same_site(SameSite::Lax)
            .build()
    }

    /// The value of a cookie; `None` if there is none.
    pub(super) fn cookie_value(&self, jar: &CookieJar, kind: Kind) -> Option<String> {
        jar.get(self.cookie_name(kind)).map(|cookie| cookie.value().to_owned())
    }

    /// The person whose session the request has, which then lasts longer; `None` without one.
    pub(super) async fn signed_in(&self, parts: &Parts) -> Result<Option<Staff>, StoreError> {
        self.person(parts, Some(self.settings.session_times.idle)).await
    }

    /// The same person, whose session does not last longer: for what a page asks for by itself.
    pub(super) async fn still_signed_in(&self, parts: &Parts) -> Result<Option<Staff>, StoreError> {
        self.person(parts, None).await
    }

    /// The person whose session the request has, which then lasts for this time if one is given.
    async fn person(
        &self,
        parts: &Parts,
        longer: Option<Duration>,
    ) -> Result<Option<Staff>, StoreError> {
        let jar = CookieJar::from_headers(&parts.headers);
        let token = self.cookie_value(&jar, Kind::Session);
        let forms = self.cookie_value(&jar, Kind::Forms);
        let (Some(token), Some(forms)) = (token, forms) else { return Ok(None) };
        let session = sha256(token.as_bytes());
        let member = self.member_of(&session, longer).await?;
        Ok(member.map(|member| Staff {
            form_token: form_token(&forms, &member),
            member,
            session,
            texts: Texts::of(&parts.headers),
        }))
    }

    /// Whether the session of this person lasts, with the same role.
    pub(super) async fn is_still(&self, staff: &Staff) -> Result<bool, StoreError> {
        Ok(self.member_of(&staff.session, None).await?.as_ref() == Some(&staff.member))
    }

    async fn member_of(
        &self,
        session: &[u8; 32],
        longer: Option<Duration>,
    ) -> Result<Option<StaffMember>, StoreError> {
        let mut store = self.use_cases.store().session(&self.home).await?;
        let member = match longer {
            Some(idle) => store.continue_console_session(session, idle).await?,
            None => store.console_session(session).await?,
        };
        // The operator may have changed the provider since.
        let issuer = self.settings.client.issuer();
        Ok(member.filter(|member| member.issuer == issuer))
    }
}

/// What the forms of this person's pages have, in the browser with this secret.
fn form_token(forms: &str, StaffMember { issuer, subject, .. }: &StaffMember) -> String {
    let of = format!("{} {issuer} {} {subject} {forms}", issuer.len(), subject.len());
    BASE64URL_NOPAD.encode(&sha256(of.as_bytes()))
}

impl FromRequestParts<App> for Staff {
    type Rejection = Response;

    /// Without a session the browser is sent to the sign-in.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let texts = Texts::of(&parts.headers);
        match app.signed_in(parts).await {
            Ok(Some(staff)) => {
                if let Some(record) = parts.extensions.get::<CallRecord>() {
                    record.set_caller("staff", None);
                }
                Ok(staff)
            }
            Ok(None) if parts.method == Method::GET => {
                let to = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                Err(Redirect::to(&super::sign_in::path(to)).into_response())
            }
            // What the form had would be lost without a word.
            Ok(None) => Err(Problem::SessionEnded.page(texts)),
            Err(error) => Err(Problem::of_store(error).page(texts)),
        }
    }
}
