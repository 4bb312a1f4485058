//! `resolve`: which users hold ids now.

use std::io;

use clap::Args;
use futures_util::TryStreamExt as _;

use super::{
    super::{Failure, say},
    connection::{Connection, OutputForm},
    json::json,
    refusal::refused,
    table::width,
    views,
};

#[derive(Args)]
pub(in crate::cli) struct ResolveArguments {
    #[command(flatten)]
    connection: Connection,
    /// Ids of users, live or absorbed; - for those on the lines of stdin
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
}

pub(in crate::cli) fn resolve(arguments: &ResolveArguments) -> Result<(), Failure> {
    let ids = match &arguments.ids[..] {
        [only] if only == "-" => io::stdin().lines().collect::<io::Result<_>>()?,
        ids => ids.to_vec(),
    };
    arguments.connection.run(async |connected| {
        let mut users = connected.client.resolve(ids);
        let mut all = Vec::new();
        while let Some(user) = users.try_next().await.map_err(refused)? {
            match arguments.connection.output() {
                // As they come: there may be millions.
                OutputForm::Json => say(&json(&user)?)?,
                OutputForm::Table => all.push(user),
            }
        }
        match arguments.connection.output() {
            OutputForm::Json => Ok(()),
            OutputForm::Table => say(&views::resolved(&all, width())),
        }
    })
}
