//! A button that is pressed twice, and each other caller that takes an absorbed user's id for a
//! user.

use http::{Method, Request};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::samples::{Application, signed_up};
use crate::support::{
    TestServer,
    auth0::{Asker, Said},
    link_user,
    tokens::Token,
};

const GOOGLE: &str = "google-oauth2|115015401343387192604";
const GITHUB: &str = "github|5677";
const GONE: &str = "404 inexistent_user The user does not exist any more: it was linked into another, which reading it \
                    with ?resolve=true shows.";
const NEVER_WAS: &str = "404 inexistent_user The user does not exist.";
const NOT_YOURS: &str =
    "403 unowned_resource User to be acted on does not match subject in bearer token.";

fn path(user_id: &str) -> String {
    format!("/api/v2/users/{user_id}")
}

/// A90: the documents' application reads the target, checks its email, merges the metadata and
/// links. At the second press the target is gone, for the same session and for another one with an
/// older profile.
#[tokio::test]
async fn pressing_link_twice_changes_nothing_twice() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let of_google =
        json!({"user_metadata": {"langs": ["en"]}, "app_metadata": {"roles": ["Admin"]}});
    let of_github =
        json!({"user_metadata": {"langs": ["de"]}, "app_metadata": {"roles": ["AppAdmin"]}});
    signed_up(&backend, GOOGLE, true, of_google).await;
    signed_up(&backend, GITHUB, true, of_github).await;
    let mut application = Application::sign_in(&server, &path(GOOGLE)).await;
    let mut other_tab = Application::sign_in(&server, &path(GOOGLE)).await;

    application.link(GITHUB).await.unwrap();

    let user = backend.get(&path(GOOGLE)).await.ok();
    assert_eq!(user["user_metadata"], json!({"langs": ["en", "de"]}));
    assert_eq!(user["app_metadata"], json!({"roles": ["Admin", "AppAdmin"]}));
    let before = server.database.db_everything().await;
    assert_eq!(application.link(GITHUB).await, Err(GONE.to_owned()));
    assert_eq!(other_tab.link(GITHUB).await, Err(GONE.to_owned()));
    assert_eq!(server.database.db_everything().await, before);
}

/// Every call about a user.
async fn every_call(asker: &Asker, user_id: &str) -> Vec<String> {
    let path = path(user_id);
    let identities = format!("{path}/identities");
    let link = if asker.get("/api/v2/users").await.status == 200 {
        json!({"provider": "okta", "user_id": "third"})
    } else {
        json!({"link_with": Token::of("okta", "third").sign()})
    };
    let calls: Vec<Said> = vec![
        asker.get(&path).await,
        asker.get(&format!("{path}?resolve=false&fields=user_id")).await,
        asker.patch(&path, &json!({"user_metadata": {"seen": true}})).await,
        asker.post(&identities, &link).await,
        asker.delete(&format!("{identities}/github/5677")).await,
        asker.delete(&path).await,
    ];
    calls.iter().map(Said::refused).collect()
}

/// A90: for services, for the holder with its own account, and for every other user.
#[tokio::test]
async fn the_id_of_a_linked_account_is_gone() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for id in [GOOGLE, GITHUB, "okta|third", "sms|stranger"] {
        signed_up(&backend, id, true, json!({})).await;
    }
    server.service().link(link_user(GOOGLE, GITHUB)).await.unwrap();
    let holder = server.asker(&Token::of("google-oauth2", "115015401343387192604"));
    let stranger = server.asker(&Token::of("sms", "stranger"));
    let before = server.database.db_everything().await;

    for (asker, refused) in [(&backend, GONE), (&holder, GONE), (&stranger, NOT_YOURS)] {
        assert_eq!(every_call(asker, GITHUB).await, [refused; 6]);
    }
    let head =
        Request::builder().method(Method::HEAD).uri(path(GITHUB)).body(Bytes::new()).unwrap();
    assert_eq!(backend.send(head).await.status, 404);
    // A link into the holder finds it done; one into another is not for this account.
    let github = json!({"provider": "github", "user_id": "5677"});
    for id in [GOOGLE, "sms|stranger"] {
        let linked = backend.post(&format!("{}/identities", path(id)), &github).await;
        assert_eq!(linked.refused(), "409 identity_conflict Specified identity already exists.");
    }
    assert_eq!(server.database.db_everything().await, before);
    // Over gRPC, old ids still resolve.
    assert_eq!(server.service().user(GITHUB).await.id, GOOGLE);
}

#[tokio::test]
async fn the_holder_is_read_when_it_is_asked_for() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for id in [GOOGLE, GITHUB, "okta|third", "sms|stranger"] {
        signed_up(&backend, id, true, json!({})).await;
    }
    server.service().link(link_user(GITHUB, "okta|third")).await.unwrap();
    server.service().link(link_user(GOOGLE, GITHUB)).await.unwrap();
    let holder = server.asker(&Token::of("google-oauth2", "115015401343387192604"));
    let whole = backend.get(&path(GOOGLE)).await.ok();

    let resolved = |id: &str| format!("{}?resolve=true", path(id));
    for id in [GOOGLE, GITHUB, "okta|third"] {
        for asker in [&backend, &holder] {
            assert_eq!(asker.get(&resolved(id)).await.ok(), whole);
        }
    }
    let id = backend.get(&format!("{}&fields=user_id", resolved(GITHUB))).await.ok();
    assert_eq!(id, json!({"user_id": GOOGLE}));
    let stranger = server.asker(&Token::of("sms", "stranger"));
    assert_eq!(stranger.get(&resolved(GITHUB)).await.refused(), NOT_YOURS);
    for id in ["github|never", "github|", "no id at all"] {
        assert_eq!(backend.get(&resolved(&id.replace(' ', "%20"))).await.refused(), NEVER_WAS);
    }
    // An account that was attached never was a user, and is looked up at its sign-in like any
    // other.
    let attached = json!({"link_with": Token::of("okta", "attached").sign()});
    assert_eq!(holder.post(&format!("{}/identities", path(GOOGLE)), &attached).await.status, 201);
    assert_eq!(backend.get(&path("okta|attached")).await.refused(), NEVER_WAS);
    assert_eq!(
        backend.get(&format!("{}&fields=user_id", resolved("okta|attached"))).await.ok(),
        id
    );
    let mut told = Vec::new();
    for query in ["?resolve=", "?resolve=1", "?resolve=true&resolve=true", "?resolves=true"] {
        told.push(format!(
            "{query} {}",
            backend.get(&format!("{}{query}", path(GITHUB))).await.refused()
        ));
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    ?resolve= 400 invalid_query_string Query validation error: 'resolve: must be true or false'.
    ?resolve=1 400 invalid_query_string Query validation error: 'resolve: must be true or false'.
    ?resolve=true&resolve=true 400 invalid_query_string Query validation error: 'resolve: occurs twice: send it once'.
    ?resolves=true 400 invalid_query_string Query validation error: 'Additional properties not allowed: resolves'.
    ");
    // `resolve` is only for reads: changes need the user's own id.
    let changed = backend.patch(&resolved(GITHUB), &json!({"user_metadata": {"seen": true}})).await;
    assert_eq!(changed.refused(), GONE);
}

/// A51: an account that has left is no longer the user with its id, even for a caller with
/// `resolve`.
#[tokio::test]
async fn an_account_that_has_left_is_not_read_as_its_former_holder() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for id in [GOOGLE, GITHUB] {
        signed_up(&backend, id, true, json!({})).await;
    }
    let identities = format!("{}/identities", path(GOOGLE));
    backend.post(&identities, &json!({"provider": "github", "user_id": "5677"})).await.ok();
    backend.delete(&format!("{identities}/github/5677?mode=release")).await.ok();

    let account = server.asker(&Token::of("github", "5677"));
    for query in ["", "?resolve=true"] {
        for asker in [&backend, &account] {
            assert_eq!(asker.get(&format!("{}{query}", path(GITHUB))).await.refused(), NEVER_WAS);
        }
    }
    let holder = server.asker(&Token::of("google-oauth2", "115015401343387192604"));
    let identities: Value = holder.get(&path(GOOGLE)).await.ok()["identities"].take();
    assert_eq!(identities.as_array().unwrap().len(), 1);
}
