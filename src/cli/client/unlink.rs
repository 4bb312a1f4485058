//! `unlink`: takes an account from its user.

use clap::Args;
use identity_link_client::v1;

use super::{
    super::{Failure, say},
    confirm::{Confirmation, Plan},
    connection::{Connection, OutputForm},
    json::json,
    link::parsed_account,
    refusal::refused,
    shown::plain,
    table::width,
    user::get,
    views,
};

#[derive(Args)]
pub(in crate::cli) struct UnlinkArguments {
    #[command(flatten)]
    connection: Connection,
    /// The id of the user
    #[arg(value_name = "USER")]
    user: String,
    /// The account that leaves it
    #[arg(value_name = "PROVIDER|SUBJECT")]
    account: String,
    /// Let a user that comes back begin without metadata
    #[arg(long, conflicts_with = "release")]
    discard_metadata: bool,
    /// The account is no longer this person's: no user comes back, and its next sign-in is a new user
    #[arg(long)]
    release: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

pub(in crate::cli) fn unlink(arguments: &UnlinkArguments) -> Result<(), Failure> {
    let mut request = v1::UnlinkRequest {
        user_id: arguments.user.clone(),
        identity: Some(parsed_account(&arguments.account)?),
        ..v1::UnlinkRequest::default()
    };
    if arguments.discard_metadata {
        request.set_metadata(v1::UnlinkMetadata::Discard);
    }
    if arguments.release {
        request.set_mode(v1::UnlinkMode::Release);
    }
    let output = arguments.connection.output();
    arguments.connection.run_because(arguments.confirmation.reason(), async |connected| {
        let (client, mut request) = (&connected.client, request);
        let plan = arguments.confirmation.plan();
        if plan != Plan::Change {
            // The change is made to what the preview showed, or refused.
            request.expected_version = Some(get(client, &request.user_id).await?.version);
            let preview = v1::UnlinkRequest { validate_only: true, ..request.clone() };
            let preview = client.unlink(preview).await.map_err(refused)?;
            let [user, account] = [&arguments.user, &arguments.account].map(|name| plain(name));
            let question = format!("Unlink {account} from {user}?");
            if !plan.confirmed(output, |form| shown(&preview, form, true), &question)? {
                return Ok(());
            }
        }
        let unlinked = client.unlink(request).await.map_err(refused)?;
        say(&shown(&unlinked, output, false)?)
    })
}

/// The response of an unlink, or of its preview.
fn shown(
    response: &v1::UnlinkResponse,
    output: OutputForm,
    is_preview: bool,
) -> Result<String, Failure> {
    if output == OutputForm::Json {
        return json(response);
    }
    let user = response.user.clone().unwrap_or_default();
    let id = plain(&user.id);
    let would = if is_preview { "would be " } else { "" };
    let detached = response.detached_user.clone().unwrap_or_default();
    let mut parts = match (response.released, response.restored) {
        (true, _) => vec![format!("{would}released: the account belongs to no user then")],
        (false, true) => {
            vec![format!("{would}unlinked: the user {} comes back", plain(&detached.id))]
        }
        (false, false) => vec![format!("{would}unlinked: the account becomes a user of its own")],
    };
    if !response.released {
        parts.push(views::user(&detached, width())?);
    }
    parts.push(format!("{id} afterwards:"));
    parts.push(views::user(&user, width())?);
    parts.extend(views::changes(&response.metadata_changes, width()));
    Ok(parts.join("\n\n"))
}
