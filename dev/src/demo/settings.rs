//! The settings page: it lists the user's accounts, and begins to add another one.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::Redirect,
};
use axum_extra::extract::CookieJar;
use identity_link_proto::v1::sign_in_provider::Mode;

use super::{
    Demo, accounts,
    login::{ProviderForm, go_to_provider},
    pages::{Page, ProviderButton, Refusal, SettingsPage},
    sessions::{SignedIn, TICKET, value, without},
};

/// The settings page of the user.
pub(super) async fn page(
    State(demo): State<Arc<Demo>>,
    SignedIn(user_id): SignedIn,
    jar: CookieJar,
) -> (CookieJar, Result<Page<SettingsPage>, Refusal>) {
    let backend = &demo.backend;
    let read =
        tokio::try_join!(backend.user(&user_id), backend.links(&user_id), backend.providers());
    match read {
        Ok((user, links, providers)) => {
            let sign_in: BTreeSet<String> = providers
                .iter()
                .filter(|provider| provider.mode() == Mode::SignIn)
                .map(|provider| provider.provider.clone())
                .collect();
            let page = SettingsPage {
                name: accounts::name(&user),
                has_ticket: !value(&jar, TICKET).is_empty(),
                accounts: accounts::cards(&user, &links, &sign_in),
                joined: accounts::joined(&links),
                buttons: providers.into_iter().map(ProviderButton::plain).collect(),
                user_id: user.id,
            };
            (jar, Ok(Page(page)))
        }
        // The user may have been deleted meanwhile: the session ends.
        Err(refused) => (demo.sessions.end(jar), Err(refused.into())),
    }
}

/// Redirects to a provider, to add an account there.
pub(super) async fn link(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    jar: CookieJar,
    form: Result<Form<ProviderForm>, FormRejection>,
) -> Result<(CookieJar, Redirect), Refusal> {
    let Form(form) = form?;
    go_to_provider(&demo, jar, &form.provider, Some(&user)).await
}

/// Ends the session. An account that waited is forgotten too: the next person of this browser may be
/// another one.
pub(super) async fn sign_out(
    State(demo): State<Arc<Demo>>,
    jar: CookieJar,
) -> (CookieJar, Redirect) {
    (without(demo.sessions.end(jar), TICKET), Redirect::to("/"))
}
