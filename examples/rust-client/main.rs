//! Finds or creates two users, links them, prints what is refused, and undoes the link.

mod follow;
mod read;

use std::{error::Error, time::Duration};

use identity_link_client::{Client, Reason, TokenSource, v1};

fn account(provider: &str, subject: &str) -> v1::IdentityRef {
    v1::IdentityRef { provider: provider.into(), subject: subject.into() }
}

fn new_user(account: v1::IdentityRef) -> v1::CreateUserRequest {
    let identity = v1::NewIdentity { identity_ref: Some(account), ..Default::default() };
    v1::CreateUserRequest { identity: Some(identity), ..Default::default() }
}

async fn find_or_create(
    client: &Client,
    account: v1::IdentityRef,
) -> Result<v1::User, Box<dyn Error>> {
    let request = v1::FindByIdentityRequest { identity: Some(account.clone()) };
    let user = match client.find_by_identity(request).await {
        Ok(found) => found.user,
        Err(error) if error.reason() == Some(Reason::IdentityNotFound) => {
            client.create_user(new_user(account)).await?.user
        }
        Err(error) => return Err(error.into()),
    };
    Ok(user.ok_or("the response has no user")?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, token_file] = &arguments[..] else {
        return Err("name the address of the server and the file of the token".into());
    };
    let client = Client::builder(address, TokenSource::file(token_file))
        .timeout(Duration::from_secs(5))
        .build()?;

    let ann = find_or_create(&client, account("github", "1")).await?;
    let phone = find_or_create(&client, account("sms", "2")).await?;
    let page = v1::ListUsersRequest { page_size: 1, ..Default::default() };
    let position = client.list_users(page).await?.position;

    let linked = client
        .link(v1::LinkRequest {
            user_id: ann.id.clone(),
            secondary: Some(v1::link_request::Secondary::Identity(account("sms", "2"))),
            ..Default::default()
        })
        .await?;
    println!("{:?}", linked.outcome());
    for identity in linked.user.ok_or("the response has no user")?.identities {
        let account = identity.identity_ref.unwrap_or_default();
        println!("{} {}", account.provider, account.subject);
    }

    for subject in ["1", ""] {
        let Err(error) = client.create_user(new_user(account("github", subject))).await else {
            return Err("this account has a user, and an empty subject is none".into());
        };
        // The failure of the token source is no refusal.
        let Some(failure) = error.failure() else { return Err(error.into()) };
        println!("{}: {}", failure.reason_name(), failure.message());
        for wrong in failure.violations() {
            println!("{}: {}", wrong.field, wrong.description);
        }
    }

    read::read(&client, &[ann.id, phone.id]).await?;
    follow::follow(&client, position).await?;

    let link_id = linked.link.ok_or("the account came without a link")?.id;
    client.undo_link(v1::UndoLinkRequest { link_id, ..Default::default() }).await?;
    Ok(())
}
