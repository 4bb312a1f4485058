//! The calls of the documents' samples, with the checks of their authors: an application with a
//! server, a page, a rule.

use futures_util::future::try_join_all;
use http::{Method, Request, header};
use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use crate::support::{
    TestServer,
    auth0::{Asker, Said},
    tokens::Token,
};

pub(super) const EMAIL: &str = "john@example.com";

/// A user whose provider has verified the email, or has not.
pub(super) async fn signed_up(
    backend: &Asker,
    user_id: &str,
    email_verified: bool,
    metadata: Value,
) {
    let (provider, account) = user_id.split_once('|').unwrap();
    let connection =
        if provider == "auth0" { "Username-Password-Authentication" } else { provider };
    let mut user = json!({
        "connection": connection, "user_id": account, "email": EMAIL, "email_verified": email_verified,
    });
    user.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    backend.post("/api/v2/users", &user).await.ok();
}

pub(super) fn user_ids(users: &Value) -> Vec<&str> {
    users.as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect()
}

/// A path with this query.
fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    format!(
        "{path}?{}",
        form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
    )
}

/// The body of a good response.
///
/// # Errors
/// The reason of a refusal.
fn answered(said: Said) -> Result<Value, String> {
    if said.status.is_success() { Ok(said.body) } else { Err(said.refused()) }
}

/// What a rule does after each sign-in: two users who have the same verified email are one person.
pub(super) async fn link_by_rule(backend: &Asker, signed_in: &str) -> Option<Value> {
    let user = backend.get(&format!("/api/v2/users/{signed_in}?resolve=true")).await.ok();
    let user_id = user["user_id"].as_str().unwrap();
    if user["email_verified"] != json!(true) {
        return None;
    }
    let q = format!("email:{} AND email_verified:true -user_id:\"{user_id}\"", user["email"]);
    let path = with_query("/api/v2/users", &[("search_engine", "v3"), ("q", &q)]);
    let others = backend.get(&path).await.ok();
    let first = *user_ids(&others).first()?;
    let (provider, account) = user_id.split_once('|').unwrap();
    let identities = format!("/api/v2/users/{first}/identities");
    let linked =
        backend.post(&identities, &json!({"provider": provider, "user_id": account})).await;
    assert_eq!(linked.status, 201);
    Some(linked.ok())
}

/// The application of "Link User Accounts Server-Side Code Scenario", which calls as a service.
pub(super) struct Application {
    backend: Asker,
    /// The profile of the user, as the session keeps it (`req.user._json`).
    pub user: Value,
}

impl Application {
    /// A session of the user whose profile this path reads.
    pub(super) async fn sign_in(server: &TestServer, path: &str) -> Self {
        let backend = server.backend();
        let user = backend.get(path).await.ok();
        Self { backend, user }
    }

    pub(super) fn user_id(&self) -> &str {
        self.user["user_id"].as_str().unwrap()
    }

    /// While the page loads: the other users with this verified email.
    pub(super) async fn suggested(&self) -> Vec<String> {
        assert_eq!(self.user["email_verified"], json!(true), "User email is not verified");
        let email = self.user["email"].as_str().unwrap();
        let found =
            self.backend.get(&with_query("/api/v2/users-by-email", &[("email", email)])).await.ok();
        let mut others: Vec<String> = user_ids(&found)
            .into_iter()
            .filter(|id| *id != self.user_id())
            .map(str::to_owned)
            .collect();
        others.sort_unstable();
        others
    }

    /// A press of the button "Link". The server does not trust the page's data: it reads the target
    /// again.
    pub(super) async fn link(&mut self, target_id: &str) -> Result<Value, String> {
        let target = answered(self.backend.get(&format!("/api/v2/users/{target_id}")).await)?;
        if target["email_verified"] != json!(true) || target["email"] != self.user["email"] {
            return Err("User not valid for linking".to_owned());
        }
        self.merge_metadata(&target).await?;
        let mut parts = target_id.split('|');
        let (provider, user_id) = (parts.next().unwrap(), parts.next().unwrap());
        let path = format!("/api/v2/users/{}/identities", self.user_id());
        let identities = answered(
            self.backend.post(&path, &json!({"provider": provider, "user_id": user_id})).await,
        )?;
        self.user["identities"] = identities.clone();
        Ok(identities)
    }

    /// Merges the metadata before the link: afterwards no call reads the secondary user's.
    async fn merge_metadata(&mut self, target: &Value) -> Result<(), String> {
        let path = &format!("/api/v2/users/{}", self.user_id());
        let (backend, user) = (&self.backend, &self.user);
        let updates = ["user_metadata", "app_metadata"].map(|namespace| async move {
            let change = json!({(namespace): merged(&target[namespace], &user[namespace])});
            answered(backend.patch(path, &change).await)
                .map(|updated| (namespace, updated[namespace].clone()))
        });
        for (namespace, updated) in try_join_all(updates).await? {
            self.user[namespace] = updated;
        }
        Ok(())
    }

    pub(super) async fn unlink(&self, identity: &Value) -> Result<Value, String> {
        answered(self.backend.delete(&identity_path(self.user_id(), identity)).await)
    }
}

/// Merges both objects by Auth0's example: the primary's values win, and its list items come first.
fn merged(secondary: &Value, primary: &Value) -> Value {
    match (secondary, primary) {
        (Value::Object(secondary), Value::Object(primary)) => {
            let mut both: Map<String, Value> = secondary.clone();
            for (name, value) in primary {
                let value =
                    secondary.get(name).map_or_else(|| value.clone(), |other| merged(other, value));
                both.insert(name.clone(), value);
            }
            both.into()
        }
        (Value::Array(secondary), Value::Array(primary)) => {
            [&primary[..], secondary].concat().into()
        }
        _ => primary.clone(),
    }
}

fn identity_path(user_id: &str, identity: &Value) -> String {
    let [provider, account] = ["provider", "user_id"].map(|name| identity[name].as_str().unwrap());
    format!("/api/v2/users/{user_id}/identities/{provider}/{account}")
}

/// How a page sends what it links with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sends {
    /// As "Linking Accounts" for jQuery does.
    Json,
    /// As that for Node.js does: the default of `$.ajax`.
    Form,
}

/// A page that keeps the token of the sign-in, and calls with it under the id that the token names.
pub(super) struct Page {
    asker: Asker,
    user_id: String,
    sends: Sends,
}

impl Page {
    /// A page at which the person has just signed in with this account.
    pub(super) fn sign_in(
        server: &TestServer,
        (provider, account): (&'static str, &str),
        sends: Sends,
    ) -> Self {
        // Dated within the leeway of clocks, so that it stays younger than the account's last move,
        // however long the test takes until then.
        let asker = server.asker(&Token::of(provider, account).issued_ago(-20));
        Self { asker, user_id: format!("{provider}|{account}"), sends }
    }

    pub(super) async fn profile(&self) -> Result<Value, String> {
        answered(self.asker.get(&format!("/api/v2/users/{}", self.user_id)).await)
    }

    pub(super) async fn link(&self, id_token: &str) -> Result<Value, String> {
        let path = format!("/api/v2/users/{}/identities", self.user_id);
        answered(match self.sends {
            Sends::Json => self.asker.post(&path, &json!({"link_with": id_token})).await,
            Sends::Form => {
                let request = Request::builder().method(Method::POST).uri(&path);
                let request = request.header(
                    header::CONTENT_TYPE,
                    "application/x-www-form-urlencoded; charset=UTF-8",
                );
                self.asker
                    .send(request.body(Bytes::from(format!("link_with={id_token}"))).unwrap())
                    .await
            }
        })
    }

    pub(super) async fn update(&self, user_metadata: &Value) -> Result<Value, String> {
        let change = json!({"user_metadata": user_metadata});
        answered(self.asker.patch(&format!("/api/v2/users/{}", self.user_id), &change).await)
    }

    pub(super) async fn unlink(&self, identity: &Value) -> Result<Value, String> {
        answered(self.asker.delete(&identity_path(&self.user_id, identity)).await)
    }

    pub(super) async fn delete(&self) -> Result<Value, String> {
        answered(self.asker.delete(&format!("/api/v2/users/{}", self.user_id)).await)
    }
}

/// The accounts of a profile that have a button "Unlink": all but the primary one.
pub(super) fn linked_accounts(profile: &Value) -> Vec<Value> {
    let id = |identity: &Value| {
        let [provider, account] =
            ["provider", "user_id"].map(|name| identity[name].as_str().unwrap());
        format!("{provider}|{account}")
    };
    let identities = profile["identities"].as_array().unwrap();
    identities.iter().filter(|identity| profile["user_id"] != id(identity)).cloned().collect()
}
