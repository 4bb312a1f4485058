//! The work of a back end, and of a page, done with `auth0-management`. The arguments are the
//! domain of both tokens and the API, a token of the account to link, and one of an account that
//! has no user. Prints what happened, a line each. The client's types refuse responses that lack
//! anything, and the client those without the rate limit.

use std::env;

use auth0_management::{
    Auth0, Auth0Error, Auth0RequestSimple as _, Auth0Result, GetUserByEmail, Identity,
    Pageable as _, User, client::Auth0Client, rate::RateLimit, token::TokenManager,
};
use reqwest::{Client, Method, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const GOOGLE: &str = "google-oauth2|115015401343387192604";
const SMS: &str = "sms|560ebaeef609ee1adaa7c551";

type JsonUser = User<Value, Value>;

/// What a call came to: the client's own words for a refusal, or for an answer that it cannot read.
fn say<T>(what: &str, came_to: Auth0Result<T>, shown: impl FnOnce(T) -> Value) {
    match came_to {
        Ok(answer) => println!("{what}: {}", shown(answer)),
        Err(Auth0Error::Json(error)) => {
            println!("{what}: {}", error.to_string().split(" at line ").next().unwrap_or("?"));
        }
        Err(error) => println!("{what}: {error:?}"),
    }
}

/// A user as the client has parsed it, without its times, and with no more of its picture than its
/// kind.
fn shown(user: JsonUser) -> Value {
    assert!(user.created_at <= user.updated_at);
    assert!(
        (user.last_ip, user.last_login, user.logins_count, user.multifactor)
            == (None, None, 0, None)
    );
    let picture = Url::parse(&user.picture).expect("a picture is a URL");
    let names = [&user.user_id, &user.email, &user.name, &user.nickname, picture.scheme()]
        .map(str::to_owned);
    let phone = json!([user.phone_number, user.phone_verified]);
    json!([
        names,
        user.email_verified,
        phone,
        identities(user.identities),
        user.user_metadata,
        user.app_metadata
    ])
}

/// The client keeps what it reads of them to itself.
fn identities(identities: Vec<Identity>) -> Value {
    serde_json::to_value(identities).expect("it can be written")
}

fn ids(users: Vec<JsonUser>) -> Value {
    users.into_iter().map(|user| Value::String(user.user_id)).collect()
}

/// A call that the client has no method for, as its insides make it.
async fn call<T: DeserializeOwned>(
    client: &Auth0Client,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Auth0Result<T> {
    let request = client.begin(method, path);
    client.send(if let Some(body) = body { request.json(&body) } else { request }).await
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [domain, sms, third]: [String; 3] = arguments.try_into().expect("three arguments");
    let audience = format!("https://{domain}/api/v2/");
    let auth0 = Auth0::builder()
        .domain(&domain)
        .audience(&audience)
        .client_id("service")
        .client_secret("secret");
    let users = auth0.build().expect("all is said").users;
    let client = |id| {
        let tokens = TokenManager::new(Client::new(), &domain, &audience, id, "secret");
        Auth0Client::new(RateLimit::new(), tokens, Client::new(), &domain)
    };
    let (backend, john) = (client("service"), client("john"));

    let mut user = users.create();
    user.connection("google-oauth2")
        .user_id("115015401343387192604")
        .email("your0@email.com")
        .email_verified(true);
    user.name("John Doe").phone_number("+14258831929").phone_verified(true);
    let mut user = user
        .user_metadata(json!({"color": "red", "size": 7}))
        .app_metadata(json!({"roles": ["Admin"]}));
    say("created", user.send().await, shown);
    say("created again", user.send().await, shown);
    say("created with a password", user.password("correct horse").send().await, shown);
    let mut user = users.create();
    user.connection("sms").user_id("560ebaeef609ee1adaa7c551").email("your1@email.com");
    say("created", user.send().await, shown);

    say("read", users.get(GOOGLE).await, shown);
    say("listed", users.find().page(0).per_page(2).send().await, ids);
    say(
        "by email",
        call(&backend, Method::GET, "api/v2/users-by-email?email=your0%40email.com", None).await,
        ids,
    );
    // The path that it asks for is a user's, there as here.
    say(
        "by email, its own way",
        GetUserByEmail::new("your0@email.com").send_to(&backend).await,
        ids,
    );
    let mut change = users.update(GOOGLE);
    let mut change =
        change.nickname("johnny").user_metadata(json!({"color": null, "shape": {"round": true}}));
    say("updated", change.send().await, shown);
    say("updated with an email", change.email("other@email.com").send().await, shown);

    let own = format!("api/v2/users/{GOOGLE}/identities");
    let unlink = format!("{own}/sms/560ebaeef609ee1adaa7c551");
    say(
        "linked by token",
        call(&john, Method::POST, &own, Some(json!({"link_with": sms}))).await,
        identities,
    );
    say("unlinked by John", call(&john, Method::DELETE, &unlink, None).await, identities);
    say(
        "another user's",
        call(&john, Method::GET, &format!("api/v2/users/{SMS}"), None).await,
        shown,
    );
    let link = json!({"provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"});
    say("linked by ids", call(&backend, Method::POST, &own, Some(link.clone())).await, identities);
    say("linked again", call(&backend, Method::POST, &own, Some(link)).await, identities);
    say("read", users.get(GOOGLE).await, shown);

    // John signs in with the linked account.
    let (phone, path) = (client("phone"), format!("api/v2/users/{SMS}"));
    say("the linked account reads", call(&phone, Method::GET, &path, None).await, shown);
    let change = json!({"user_metadata": {"by": "phone"}});
    say("updates", call(&phone, Method::PATCH, &path, Some(change)).await, shown);
    let own_id = format!("{path}/identities");
    say(
        "links by token",
        call(&phone, Method::POST, &own_id, Some(json!({"link_with": third}))).await,
        identities,
    );
    say(
        "unlinks",
        call(&phone, Method::DELETE, &format!("{own_id}/okta/third"), None).await,
        identities,
    );

    say("unlinked", call(&backend, Method::DELETE, &unlink, None).await, identities);
    say("alone", users.get(SMS).await, shown);

    // It wants an email of every user, which not all have: there as here.
    let mut user = users.create();
    user.connection("sms").user_id("7").phone_number("+14258831929");
    say("created without an email", user.send().await, shown);

    for id in [GOOGLE, SMS, "sms|7"] {
        say("deleted", users.delete(id).await, |()| Value::Null);
    }
    say("read when it is gone", users.get(GOOGLE).await, shown);
}
