//! Reads all pages, and resolves ids.

use futures_util::TryStreamExt as _;
use identity_link_client::{Client, Error, v1::ListUsersRequest};

pub(crate) async fn read(client: &Client, ids: &[String]) -> Result<(), Error> {
    let mut users = client.list_users_all(ListUsersRequest::default());
    while let Some(user) = users.try_next().await? {
        println!("{}", ids.first() == Some(&user.id));
    }
    let mut resolved = client.resolve(ids);
    while let Some(user) = resolved.try_next().await? {
        println!("{} {:?}", ids.first() == Some(&user.user_id), user.state());
    }
    Ok(())
}
