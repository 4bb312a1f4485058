//! `undo LINK`: takes back one link.

use clap::Args;
use identity_link_client::{Client, v1};
use uuid::Uuid;

use super::{
    super::{Failure, say},
    confirm::Plan,
    connection::{Connection, OutputForm},
    find::link_of,
    json::json,
    refusal::refused,
    shown::plain,
    table::width,
    user::get,
    views,
};
use crate::auth::StatedReason;

/// What is said of the one link.
#[derive(Args)]
pub(in crate::cli) struct UndoOneLink {
    /// One link. It is shown first, and a question is asked
    #[arg(value_name = "LINK")]
    pub link: Option<Uuid>,
    /// Undo LINK without a preview and without a question
    #[arg(long, requires = "link", conflicts_with = "dry_run")]
    yes: bool,
    /// Let the user that comes back by LINK begin without metadata
    #[arg(long, requires = "link")]
    discard_metadata: bool,
}

/// Undoes this link.
pub(in crate::cli) fn undo_link(
    link: Uuid,
    arguments: &UndoOneLink,
    dry_run: bool,
    (connection, reason): (&Connection, Option<&StatedReason>),
) -> Result<(), Failure> {
    let mut request =
        v1::UndoLinkRequest { link_id: link.to_string(), ..v1::UndoLinkRequest::default() };
    if arguments.discard_metadata {
        request.set_metadata(v1::UnlinkMetadata::Discard);
    }
    let output = connection.output();
    connection.run_because(reason, async |connected| {
        let (client, mut request) = (&connected.client, request);
        let plan = Plan::of(arguments.yes, dry_run);
        if plan != Plan::Change {
            let mut preview = preview(client, &request).await?;
            if is_undone(client, link).await? {
                return match output {
                    OutputForm::Json => say(&json(&preview)?),
                    OutputForm::Table => say("the link is undone already: nothing changes"),
                };
            }
            // The change is made to what the preview shows, or refused.
            let holder = preview.user.unwrap_or_default().id;
            request.expected_version = Some(get(client, &holder).await?.version);
            preview = self::preview(client, &request).await?;
            let question = format!("Undo link {link}?");
            if !plan.confirmed(output, |form| shown(&preview, form, true), &question)? {
                return Ok(());
            }
        }
        let undone = client.undo_link(request).await.map_err(refused)?;
        say(&shown(&undone, output, false)?)
    })
}

/// Whether the link was undone before.
async fn is_undone(client: &Client, id: Uuid) -> Result<bool, Failure> {
    Ok(link_of(client, id).await?.is_some_and(|link| link.undo_time.is_some()))
}

async fn preview(
    client: &Client,
    request: &v1::UndoLinkRequest,
) -> Result<v1::UndoLinkResponse, Failure> {
    let preview = v1::UndoLinkRequest { validate_only: true, ..request.clone() };
    client.undo_link(preview).await.map_err(refused)
}

/// The response of an undo, or of its preview.
fn shown(
    response: &v1::UndoLinkResponse,
    output: OutputForm,
    is_preview: bool,
) -> Result<String, Failure> {
    if output == OutputForm::Json {
        return json(response);
    }
    let user = response.user.clone().unwrap_or_default();
    let restored = response.restored_user.clone().unwrap_or_default();
    let would = if is_preview { "would be " } else { "" };
    let back = match plain(&restored.id) {
        id if id.is_empty() => "the account becomes a user of its own".to_owned(),
        id => format!("the user {id} comes back"),
    };
    let mut parts = vec![
        format!("{would}undone: {back}"),
        views::user(&restored, width())?,
        format!("{} afterwards:", plain(&user.id)),
        views::user(&user, width())?,
    ];
    parts.extend(views::changes(&response.metadata_changes, width()));
    Ok(parts.join("\n\n"))
}
