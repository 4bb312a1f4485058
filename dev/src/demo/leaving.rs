//! The pages that say what taking accounts apart means, and what makes another account the primary
//! one; and the decisions.

use std::sync::Arc;

use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    response::Redirect,
};
use identity_link_proto::v1::{
    IdentityRef, SetPrimaryIdentityRequest, UndoLinkRequest, UndoLinkResponse, UnlinkMode,
    UnlinkRequest, UnlinkResponse,
};
use serde::Deserialize;

use super::{
    Demo, accounts,
    pages::{Choice, ConfirmPage, Page, Part, Refusal},
    sessions::SignedIn,
};

/// An account of the user, and the user's version when the page was shown; what is missing is empty,
/// and the service refuses it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct AccountForm {
    provider: String,
    subject: String,
    version: i64,
}

/// A link, and the user's version when the page was shown.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct LinkForm {
    link: String,
    version: i64,
}

impl AccountForm {
    fn account(&self) -> IdentityRef {
        IdentityRef { provider: self.provider.clone(), subject: self.subject.clone() }
    }

    /// The fields of a form that names the account, and this version of the user.
    fn fields(&self, version: i64) -> Vec<(&'static str, String)> {
        vec![
            ("provider", self.provider.clone()),
            ("subject", self.subject.clone()),
            ("version", version.to_string()),
        ]
    }

    /// An unlink in this mode, as a preview without a version.
    fn unlink(&self, mode: UnlinkMode, expected_version: Option<i64>) -> UnlinkRequest {
        UnlinkRequest {
            identity: Some(self.account()),
            mode: mode.into(),
            expected_version,
            validate_only: expected_version.is_none(),
            ..UnlinkRequest::default()
        }
    }

    /// The account as the primary one, as a preview without a version.
    fn set_primary(&self, expected_version: Option<i64>) -> SetPrimaryIdentityRequest {
        SetPrimaryIdentityRequest {
            identity: Some(self.account()),
            expected_version,
            validate_only: expected_version.is_none(),
            ..SetPrimaryIdentityRequest::default()
        }
    }
}

impl LinkForm {
    /// The undo of the link, as a preview without a version.
    fn undo(&self, expected_version: Option<i64>) -> UndoLinkRequest {
        UndoLinkRequest {
            link_id: self.link.clone(),
            expected_version,
            validate_only: expected_version.is_none(),
            ..UndoLinkRequest::default()
        }
    }
}

/// The page with the two ways to unlink an account.
pub(super) async fn unlink_page(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Query<AccountForm>, QueryRejection>,
) -> Result<Page<ConfirmPage>, Refusal> {
    let Query(form) = form?;
    let (present, restored, _released) = tokio::try_join!(
        demo.backend.user(&user),
        demo.backend.unlink(&user, form.unlink(UnlinkMode::Restore, None)),
        demo.backend.unlink(&user, form.unlink(UnlinkMode::Release, None)),
    )?;
    Ok(Page(unlink_question(&form, &restored, present.version)))
}

/// Unlinks an account, which is a user again afterwards.
pub(super) async fn restore(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Form<AccountForm>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Form(form) = form?;
    let request = form.unlink(UnlinkMode::Restore, Some(form.version));
    demo.backend.unlink(&user, request).await?;
    Ok(Redirect::to("/settings"))
}

/// Gives an account up, for good.
pub(super) async fn release(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Form<AccountForm>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Form(form) = form?;
    let request = form.unlink(UnlinkMode::Release, Some(form.version));
    demo.backend.unlink(&user, request).await?;
    Ok(Redirect::to("/settings"))
}

/// The page about the undo of a link.
pub(super) async fn undo_page(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Query<LinkForm>, QueryRejection>,
) -> Result<Page<ConfirmPage>, Refusal> {
    let Query(form) = form?;
    let (present, undone) =
        tokio::try_join!(demo.backend.user(&user), demo.backend.undo(&user, form.undo(None)))?;
    Ok(Page(undo_question(&form, &undone, present.version)))
}

/// Undoes a link as a whole.
pub(super) async fn undo(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Form<LinkForm>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Form(form) = form?;
    demo.backend.undo(&user, form.undo(Some(form.version))).await?;
    Ok(Redirect::to("/settings"))
}

/// The page about another primary account.
pub(super) async fn primary_page(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Query<AccountForm>, QueryRejection>,
) -> Result<Page<ConfirmPage>, Refusal> {
    let Query(form) = form?;
    let (present, changed) = tokio::try_join!(
        demo.backend.user(&user),
        demo.backend.set_primary(&user, form.set_primary(None))
    )?;
    let (before, after) = (accounts::name(&present), accounts::name(&changed));
    Ok(Page(ConfirmPage {
        title: format!("Make {} primary?", accounts::short(&form.account())),
        sentences: vec!["Your profile is that of your primary account.".to_owned()],
        parts: vec![Part {
            heading: "What happens",
            lines: vec![
                match before == after {
                    true => format!("Your name stays {after}."),
                    false => format!("Your name is {after} then. Now it is {before}."),
                },
                format!("Your user id stays {}, and all your accounts stay.", changed.id),
                "The account that is primary now can be unlinked then, \
                    unless no other one signs in."
                    .to_owned(),
            ],
        }],
        choices: vec![Choice {
            id: "make-primary",
            action: "/primary",
            heading: "Make it primary",
            about: "You can change it again at any time.".to_owned(),
            button: "Make it primary",
            is_quiet: false,
            fields: form.fields(present.version),
        }],
    }))
}

/// Makes an account the primary one.
pub(super) async fn set_primary(
    State(demo): State<Arc<Demo>>,
    SignedIn(user): SignedIn,
    form: Result<Form<AccountForm>, FormRejection>,
) -> Result<Redirect, Refusal> {
    let Form(form) = form?;
    demo.backend.set_primary(&user, form.set_primary(Some(form.version))).await?;
    Ok(Redirect::to("/settings"))
}

/// The two ways to unlink, from the preview of the first.
fn unlink_question(form: &AccountForm, preview: &UnlinkResponse, version: i64) -> ConfirmPage {
    let detached = preview.detached_user.clone().unwrap_or_default();
    let becomes = if preview.restored {
        format!(
            "The user {} comes back, with this account and the metadata that it had.",
            detached.id
        )
    } else {
        "This account becomes a user of its own again, with this account alone and without metadata."
            .to_owned()
    };
    let mut lines = vec![becomes];
    lines.extend(detached.identities.iter().map(accounts::line));
    lines.extend(accounts::metadata(&preview.metadata_changes));
    ConfirmPage {
        title: format!("Unlink {}?", accounts::short(&form.account())),
        sentences: vec![
            "It no longer signs in as you, whichever way you choose.".to_owned(),
        ],
        parts: vec![Part { heading: "If it becomes a user again", lines }],
        choices: vec![
            Choice {
                id: "restore",
                action: "/unlink",
                heading: "Make it a user again",
                about: "Choose this if it was joined by mistake, or if you want two users. It can be joined again."
                    .to_owned(),
                button: "Make it a user again",
                is_quiet: false,
                fields: form.fields(version),
            },
            Choice {
                id: "release",
                action: "/release",
                heading: "Give it up",
                about: "Choose this if it is no longer yours, such as a phone number that you lost. No user \
                    comes back, \
                    and your metadata stays. If it signs in again, it is a new user, which no email joins to you."
                    .to_owned(),
                button: "Give it up",
                is_quiet: true,
                fields: form.fields(version),
            },
        ],
    }
}

/// What an undo means, from its preview.
fn undo_question(form: &LinkForm, preview: &UndoLinkResponse, version: i64) -> ConfirmPage {
    let restored = preview.restored_user.clone().unwrap_or_default();
    let back = Part {
        heading: "Which accounts go back to it",
        lines: restored.identities.iter().map(accounts::line).collect(),
    };
    let mut metadata = accounts::metadata(&preview.metadata_changes);
    if metadata.is_empty() {
        metadata.push("Your metadata stays as it is.".to_owned());
    }
    ConfirmPage {
        title: "Take the two users apart?".to_owned(),
        sentences: vec![format!("The user {} comes back, with all that it brought.", restored.id)],
        parts: vec![back, Part { heading: "What happens to your metadata", lines: metadata }],
        choices: vec![Choice {
            id: "undo",
            action: "/undo",
            heading: "Undo it",
            about: "The two are two users then. They can be joined again.".to_owned(),
            button: "Undo it",
            is_quiet: false,
            fields: vec![("link", form.link.clone()), ("version", version.to_string())],
        }],
    }
}
