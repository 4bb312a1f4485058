//! Follows the feed from a position.

use futures_util::TryStreamExt as _;
use identity_link_client::{
    Client, Error,
    v1::{ListUsersRequest, WatchEventsRequest, watch_events_request::Start},
};

pub(crate) async fn follow(client: &Client) -> Result<(), Error> {
    let first = client.list_users(ListUsersRequest { page_size: 1, ..Default::default() }).await?;
    super::create(client, "okta", "3").await?;
    let mut watch = client.watch(WatchEventsRequest {
        start: Some(Start::After(first.position)),
        ..Default::default()
    });
    if let Some(message) = watch.try_next().await? {
        println!("{} {}", message.events.len(), !message.position.is_empty());
    }
    Ok(())
}
