//! `links`: the links of a user, or of a tenant.

use chrono::{DateTime, Utc};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _};
use identity_link_client::v1;
use uuid::Uuid;

use super::{
    super::{Failure, say},
    connection::{Connection, OutputForm},
    json::json,
    refusal::refused,
    table::width,
    views,
};

/// The largest page.
const PAGE: i32 = 100;

#[derive(Args)]
pub(in crate::cli) struct LinksArguments {
    #[command(flatten)]
    connection: Connection,
    /// The user, live or absorbed; without it the links of all users
    #[arg(value_name = "USER")]
    user: Option<String>,
    /// Only links that stand
    #[arg(long)]
    standing: bool,
    /// Only links of this plan
    #[arg(long, value_name = "ID")]
    plan: Option<Uuid>,
    /// Only links that were made at this time or later, such as 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Only links that were made before this time
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    /// How many links are listed at most, the newest first
    #[arg(long, value_name = "NUMBER", default_value = "100")]
    limit: usize,
}

pub(in crate::cli) fn links(arguments: &LinksArguments) -> Result<(), Failure> {
    arguments.connection.run(async |connected| {
        let all = connected.client.list_links_all(arguments.request());
        let mut links = all.take(arguments.limit);
        let mut listed = Vec::new();
        while let Some(link) = links.try_next().await.map_err(refused)? {
            match arguments.connection.output() {
                OutputForm::Json => say(&json(&link)?)?,
                OutputForm::Table => listed.push(link),
            }
        }
        match arguments.connection.output() {
            OutputForm::Json => Ok(()),
            OutputForm::Table => say(&views::links(&listed, width())),
        }
    })
}

impl LinksArguments {
    fn request(&self) -> v1::ListLinksRequest {
        let mut filter = v1::LinkFilter {
            standing_only: self.standing,
            plan_id: self.plan.map(|plan| plan.to_string()).unwrap_or_default(),
            ..v1::LinkFilter::default()
        };
        if let Some(since) = self.since {
            let time = filter.start_time.get_or_insert_default();
            (time.seconds, time.nanos) = seconds_and_nanos(since);
        }
        if let Some(until) = self.until {
            let time = filter.end_time.get_or_insert_default();
            (time.seconds, time.nanos) = seconds_and_nanos(until);
        }
        v1::ListLinksRequest {
            user_id: self.user.clone().unwrap_or_default(),
            page_size: i32::try_from(self.limit).unwrap_or(PAGE).clamp(1, PAGE),
            page_token: String::new(),
            // Present and empty for all links of a tenant.
            filter: Some(filter),
        }
    }
}

fn seconds_and_nanos(time: DateTime<Utc>) -> (i64, i32) {
    (time.timestamp(), i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default())
}
