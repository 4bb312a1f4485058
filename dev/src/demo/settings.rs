//! The settings page: it lists the user's accounts, and links and unlinks them.

use std::sync::Arc;

use axum::{Form, extract::State, response::Redirect};
use axum_extra::extract::CookieJar;
use identity_link_proto::v1::IdentityRef;
use serde::Deserialize;

use super::{
    Demo,
    login::{ProviderForm, go_to_provider},
    pages::{Page, ProviderButton, Refusal, SettingsPage},
    sessions::{SignedIn, TICKET, value, without},
};

/// The account of an unlink button.
#[derive(Deserialize)]
pub(super) struct AccountForm {
    provider: String,
    subject: String,
}

/// The settings page of the user.
pub(super) async fn page(
    State(demo): State<Arc<Demo>>,
    SignedIn(user_id): SignedIn,
    jar: CookieJar,
) -> (CookieJar, Result<Page<SettingsPage>, Refusal>) {
    match tokio::try_join!(demo.backend.user(&user_id), demo.backend.providers()) {
        Ok((user, providers)) => {
            let has_ticket = !value(&jar, TICKET).is_empty();
            let buttons = providers.into_iter().map(ProviderButton::from).collect();
            (jar, Ok(Page(SettingsPage { user, has_ticket, buttons })))
        }
        // The user may have been deleted meanwhile: the session ends.
        Err(refused) => (demo.sessions.end(jar), Err(refused.into())),
    }
}

/// Redirects to a provider, to link an account there.
pub(super) async fn link(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    jar: CookieJar,
    Form(form): Form<ProviderForm>,
) -> Result<(CookieJar, Redirect), Refusal> {
    go_to_provider(&demo, jar, &form.provider, Some(&user)).await
}

/// Links the account that a ticket proves.
pub(super) async fn link_ticket(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    jar: CookieJar,
) -> (CookieJar, Result<Redirect, Refusal>) {
    let linked = demo.backend.link_ticket(&user, value(&jar, TICKET)).await;
    (without(jar, TICKET), linked.map(|()| Redirect::to("/settings")).map_err(Refusal::from))
}

/// Unlinks an account, which is a user of its own afterwards.
pub(super) async fn unlink(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    Form(AccountForm { provider, subject }): Form<AccountForm>,
) -> Result<Redirect, Refusal> {
    demo.backend.unlink(&user, IdentityRef { provider, subject }).await?;
    Ok(Redirect::to("/settings"))
}

/// Ends the session.
pub(super) async fn sign_out(
    State(demo): State<Arc<Demo>>,
    jar: CookieJar,
) -> (CookieJar, Redirect) {
    (demo.sessions.end(jar), Redirect::to("/"))
}
