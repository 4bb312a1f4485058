//! The work of a back end, and of a page, done with `auth0_client`. The arguments are where the API
//! is, where tokens come from, a token of the account to link, and one of an account that has no
//! user. Prints what happened, a line each. The client's types refuse responses that lack anything.

use std::env;

use auth0_client::{
    Auth0Client,
    authorization::Authenticatable as _,
    error::Auth0Result,
    users::{
        CreateUserPayload, Identity, OperateUsers as _, UpdateUserPayload, UserError, UserResponse,
    },
};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const GOOGLE: &str = "google-oauth2|115015401343387192604";
const SMS: &str = "sms|560ebaeef609ee1adaa7c551";

/// What a call came to: the client's own words for a refusal, or for an answer that it cannot read.
fn say<T>(what: &str, came_to: Auth0Result<T>, shown: impl FnOnce(T) -> Value) {
    match came_to {
        Ok(answer) => println!("{what}: {}", shown(answer)),
        Err(error) => println!("{what}: {error:?}"),
    }
}

/// A user as the client has parsed it, without its times, and with no more of its picture than its
/// kind.
fn shown(user: UserResponse) -> Value {
    assert!(user.created_at <= user.updated_at);
    let picture = reqwest::Url::parse(&user.picture).expect("a picture is a URL");
    let names = [&user.user_id, &user.name, &user.nickname, picture.scheme()].map(str::to_owned);
    json!([names, user.email, user.email_verified, identities(user.identities)])
}

fn identities(identities: Vec<Identity>) -> Value {
    let ids = |of: Identity| json!([of.provider, of.user_id, of.connection, of.is_social]);
    identities.into_iter().map(ids).collect()
}

fn ids(users: Vec<UserResponse>) -> Value {
    users.into_iter().map(|user| Value::String(user.user_id)).collect()
}

/// A call that the client has no method for, as its `request` makes it.
async fn call<T: DeserializeOwned>(
    client: &mut Auth0Client,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Auth0Result<T> {
    let answer = client.request::<_, _, UserError>(method, path, body).await?;
    Ok(answer.expect("there is an answer"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [api, tokens, sms, third]: [String; 4] = arguments.try_into().expect("four arguments");
    let mut backend = Auth0Client::new("service", "secret", &format!("{tokens}/service"), &api);
    backend.authenticate().await.expect("a token");
    let mut john = Auth0Client::new("john", "secret", &format!("{tokens}/john"), &api);
    john.authenticate().await.expect("a token");

    let mut user = CreateUserPayload::from_connection("google-oauth2");
    user.user_id = Some("115015401343387192604".to_owned());
    user.email = Some("your0@email.com".to_owned());
    user.email_verified = Some(true);
    user.name = Some("John Doe".to_owned());
    user.user_metadata = Some(json!({"color": "red", "size": 7}));
    user.app_metadata = Some(json!({"roles": ["Admin"]}));
    say("created", backend.create_user(&user).await, shown);
    say("created again", backend.create_user(&user).await, shown);
    let mut user = CreateUserPayload::from_connection("sms");
    user.user_id = Some("560ebaeef609ee1adaa7c551".to_owned());
    user.phone_number = Some("+14258831929".to_owned());
    user.phone_verified = Some(true);
    say("created", backend.create_user(&user).await, shown);
    say(
        "created nowhere",
        backend.create_user(&CreateUserPayload::from_connection("nowhere")).await,
        shown,
    );
    user.password = Some("correct horse".to_owned());
    say("created with a password", backend.create_user(&user).await, shown);

    say("read", backend.get_user(GOOGLE).await, shown);
    say("listed", call(&mut backend, Method::GET, "/users", None).await, ids);
    let by_email = "/users-by-email?email=your0%40email.com";
    say("by email", call(&mut backend, Method::GET, by_email, None).await, ids);
    let found = backend.get_user_by_email("your0@email.com", "google-oauth2").await;
    say("by email, its own way", found, |user| user.map_or(Value::Null, shown));
    // It names the connection with every change.
    let mut change = UpdateUserPayload::from_connection("google-oauth2");
    change.nickname = Some("johnny".to_owned());
    change.user_metadata = Some(json!({"color": null, "shape": {"round": true}}));
    say("updated", backend.update_user(GOOGLE, &change).await, shown);
    let metadata = format!("/users/{GOOGLE}?fields=user_metadata,app_metadata");
    say(
        "its metadata",
        call(&mut backend, Method::GET, &metadata, None).await,
        |metadata: Value| metadata,
    );

    let own = format!("/users/{GOOGLE}/identities");
    let unlink = format!("{own}/sms/560ebaeef609ee1adaa7c551");
    say(
        "linked by token",
        call(&mut john, Method::POST, &own, Some(json!({"link_with": sms}))).await,
        identities,
    );
    say("read by John", john.get_user(GOOGLE).await, shown);
    say("unlinked by John", call(&mut john, Method::DELETE, &unlink, None).await, identities);
    say("another user's", john.get_user(SMS).await, shown);
    let link = json!({"provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"});
    say(
        "linked by ids",
        call(&mut backend, Method::POST, &own, Some(link.clone())).await,
        identities,
    );
    say("linked again", call(&mut backend, Method::POST, &own, Some(link)).await, identities);
    say("read", backend.get_user(GOOGLE).await, shown);

    // John signs in with the linked account.
    let mut phone = Auth0Client::new("phone", "secret", &format!("{tokens}/phone"), &api);
    phone.authenticate().await.expect("a token");
    say("the linked account reads", phone.get_user(SMS).await, shown);
    let mut change = UpdateUserPayload::from_connection("google-oauth2");
    change.user_metadata = Some(json!({"by": "phone"}));
    say("updates", phone.update_user(SMS, &change).await, shown);
    let own_id = format!("/users/{SMS}/identities");
    say(
        "links by token",
        call(&mut phone, Method::POST, &own_id, Some(json!({"link_with": third}))).await,
        identities,
    );
    let third = format!("{own_id}/okta/third");
    say("unlinks", call(&mut phone, Method::DELETE, &third, None).await, identities);

    say("unlinked", call(&mut backend, Method::DELETE, &unlink, None).await, identities);
    say("alone", backend.get_user(SMS).await, shown);

    for id in [GOOGLE, SMS] {
        say("deleted", backend.delete_user(id).await, |()| Value::Null);
    }
    say("read when it is gone", backend.get_user(GOOGLE).await, shown);
}
