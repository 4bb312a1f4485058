//! The page that says what joining an account means, and the decision.

use std::sync::Arc;

use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::Redirect,
};
use axum_extra::extract::CookieJar;
use identity_link_proto::v1::{IdentityRef, LinkResponse, link_response::Outcome};
use serde::Deserialize;

use super::{
    Demo, accounts,
    pages::{Choice, ConfirmPage, Page, Part, Refusal},
    sessions::{SignedIn, TICKET, value, without},
};

/// The user's version when the page was shown.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct JoinForm {
    version: i64,
}

/// The page with the preview of what the ticket in the cookie can join. A ticket that is refused is
/// dropped.
pub(super) async fn page(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    jar: CookieJar,
) -> (CookieJar, Result<Page<ConfirmPage>, Refusal>) {
    let preview = demo.backend.link_ticket(&user, value(&jar, TICKET), None);
    match tokio::try_join!(demo.backend.user(&user), preview) {
        Ok((present, preview)) => (jar, Ok(Page(question(preview, present.version)))),
        Err(refused) => (without(jar, TICKET), Err(refused.into())),
    }
}

/// Joins the account of the ticket, if the user is still as the page has shown it.
pub(super) async fn join(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    jar: CookieJar,
    form: Result<Form<JoinForm>, FormRejection>,
) -> (CookieJar, Result<Redirect, Refusal>) {
    let form = match form {
        Ok(Form(form)) => form,
        Err(wrong) => return (jar, Err(wrong.into())),
    };
    let linked = demo.backend.link_ticket(&user, value(&jar, TICKET), Some(form.version)).await;
    let to_settings = linked.map(|_| Redirect::to("/settings"));
    (without(jar, TICKET), to_settings.map_err(Refusal::from))
}

/// Forgets the ticket. The account stays where it is.
pub(super) async fn keep_apart(_: SignedIn, jar: CookieJar) -> (CookieJar, Redirect) {
    (without(jar, TICKET), Redirect::to("/settings"))
}

/// What joining means, from its preview, and the choices.
fn question(preview: LinkResponse, version: i64) -> ConfirmPage {
    let outcome = preview.outcome();
    let user = preview.user.unwrap_or_default();
    let link = preview.link.unwrap_or_default();
    let is_moved = |account: &IdentityRef| link.moved_identities.contains(account);
    let moved = user.identities.iter().filter(|each| is_moved(&accounts::reference(each)));
    let moved =
        Part { heading: "Which accounts come over", lines: moved.map(accounts::line).collect() };
    let keep = Choice {
        id: "keep-apart",
        action: "/keep-apart",
        heading: "Keep them apart",
        about: "Nothing is changed, and the account stays where it is.".to_owned(),
        button: "Keep them apart",
        is_quiet: true,
        fields: Vec::new(),
    };
    let join = |about: &str| Choice {
        id: "join",
        action: "/join",
        heading: "Join them",
        about: about.to_owned(),
        button: "Join them",
        is_quiet: false,
        fields: vec![("version", version.to_string())],
    };
    let stays = format!("Your user id stays {}.", user.id);
    match outcome {
        Outcome::Absorbed => {
            let other = &link.secondary_user_id;
            let resolves = format!("The user id {other} continues to work, and leads to you.");
            let mut metadata = accounts::metadata(&preview.metadata_changes);
            if metadata.is_empty() {
                metadata
                    .push("The other user has no metadata, so yours stays as it is.".to_owned());
            }
            let metadata = Part { heading: "What happens to your metadata", lines: metadata };
            let ids = Part { heading: "Which ids continue to work", lines: vec![stays, resolves] };
            ConfirmPage {
                title: "We noticed another account".to_owned(),
                sentences: vec![
                    "This account belongs to another user. If you join the two, they become one user: you."
                        .to_owned(),
                ],
                parts: vec![moved, metadata, ids],
                choices: vec![
                    join("Only if both users are you. You can undo it in your settings: then the other user \
                        comes back."),
                    keep,
                ],
            }
        }
        Outcome::Attached => {
            let nothing = "No other user is touched, and your metadata stays as it is.".to_owned();
            ConfirmPage {
                title: "Join this account?".to_owned(),
                sentences: vec![
                    "This account belongs to no user yet. If you join it, it is yours.".to_owned(),
                ],
                parts: vec![moved, Part { heading: "What stays", lines: vec![stays, nothing] }],
                choices: vec![
                    Choice {
                        heading: "Join it",
                        button: "Join it",
                        ..join("You can unlink it in your settings.")
                    },
                    Choice { heading: "Leave it", button: "Leave it", ..keep },
                ],
            }
        }
        Outcome::AlreadyLinked | Outcome::Unspecified => ConfirmPage {
            title: "This account is yours already".to_owned(),
            sentences: vec!["There is nothing to join, and nothing was changed.".to_owned()],
            parts: Vec::new(),
            choices: vec![Choice {
                heading: "Go on",
                about: "Your accounts are in your settings.".to_owned(),
                button: "To your settings",
                ..keep
            }],
        },
    }
}
