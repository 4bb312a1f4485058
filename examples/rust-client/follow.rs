//! Follows the feed from a position.

use futures_util::TryStreamExt as _;
use identity_link_client::{
    Client, Error,
    v1::{WatchEventsRequest, watch_events_request::Start},
};

pub(crate) async fn follow(client: &Client, position: String) -> Result<(), Error> {
    let mut watch = client
        .watch(WatchEventsRequest { start: Some(Start::After(position)), ..Default::default() });
    if let Some(message) = watch.try_next().await? {
        println!("{} {}", message.events.len(), !message.position.is_empty());
    }
    Ok(())
}
