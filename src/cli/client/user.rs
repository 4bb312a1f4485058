//! `user`: one user.

use clap::Args;
use identity_link_client::{Client, v1};

use super::{
    super::{Failure, say},
    connection::{Connection, OutputForm},
    json::json,
    refusal::refused,
    table::width,
    views,
};

#[derive(Args)]
pub(in crate::cli) struct UserArguments {
    #[command(flatten)]
    connection: Connection,
    /// The user's id. For that of an absorbed user, the user that holds it now is shown
    #[arg(value_name = "USER")]
    id: String,
}

pub(in crate::cli) fn user(arguments: &UserArguments) -> Result<(), Failure> {
    arguments.connection.run(async |connected| {
        let user = get(&connected.client, &arguments.id).await?;
        match arguments.connection.output() {
            OutputForm::Json => say(&json(&user)?),
            OutputForm::Table => say(&views::user(&user, width())?),
        }
    })
}

/// The user of this id, or that holds it.
pub(super) async fn get(client: &Client, id: &str) -> Result<v1::User, Failure> {
    let request = v1::GetUserRequest { user_id: id.to_owned() };
    Ok(client.get_user(request).await.map_err(refused)?.user.unwrap_or_default())
}
