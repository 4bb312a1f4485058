//! Links two users, and prints why a second attempt is refused.

mod follow;
mod read;

use std::{error::Error, time::Duration};

use identity_link_client::{Client, Reason, TokenSource, v1};

async fn create(
    client: &Client,
    provider: &str,
    subject: &str,
) -> Result<String, identity_link_client::Error> {
    let identity_ref = v1::IdentityRef { provider: provider.into(), subject: subject.into() };
    let identity = v1::NewIdentity { identity_ref: Some(identity_ref), ..Default::default() };
    let request = v1::CreateUserRequest { identity: Some(identity), ..Default::default() };
    let created = client.create_user(request).await?;
    Ok(created.user.unwrap_or_default().id)
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

    let ann = create(&client, "github", "1").await?;
    let phone = create(&client, "sms", "2").await?;
    let linked = client
        .link(v1::LinkRequest {
            user_id: ann.clone(),
            secondary: Some(v1::link_request::Secondary::SecondaryUserId(phone.clone())),
            ..Default::default()
        })
        .await?;
    println!("{:?} {}", linked.outcome(), linked.user.unwrap_or_default().identities.len());

    match create(&client, "github", "1").await {
        Err(error) if error.reason() == Some(Reason::IdentityTaken) => println!("{error}"),
        other => return Err(format!("that account has a user: {other:?}").into()),
    }
    if let Err(error) = create(&client, "github", "").await
        && let Some(failure) = error.failure()
    {
        for wrong in failure.violations() {
            println!("{} {}", failure.reason_name(), wrong.field);
        }
    }

    read::read(&client, &[ann, phone]).await?;
    follow::follow(&client).await?;
    Ok(())
}
