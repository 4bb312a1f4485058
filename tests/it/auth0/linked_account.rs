//! A person who signs in with a linked account is the user: each sample's calls, as the primary
//! account and as the linked one.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::samples::{
    Application, Page, Sends, link_by_rule, linked_accounts, signed_up, user_ids,
};
use crate::support::{TestServer, auth0::Asker, identity_ref, link_user, tokens::Token};

const PRIMARY: &str = "google-oauth2|115015401343387192604";
const LINKED: &str = "github|5677";
const THIRD: &str = "auth0|67f1c2";
/// The account with which a person signs in.
const ACCOUNTS: [(&str, &str); 2] =
    [("google-oauth2", "115015401343387192604"), ("github", "5677")];

fn path(user_id: &str) -> String {
    format!("/api/v2/users/{user_id}")
}

/// A user who has linked another account, and a second user with the same email.
async fn john(server: &TestServer) -> Asker {
    let backend = server.backend();
    let metadata =
        |color| json!({"user_metadata": {"color": color}, "app_metadata": {"roles": [color]}});
    for (id, color) in [(PRIMARY, "red"), (LINKED, "blue"), (THIRD, "green")] {
        signed_up(&backend, id, true, metadata(color)).await;
    }
    server.service().link(link_user(PRIMARY, LINKED)).await.unwrap();
    backend
}

/// The pages of the two "Linking Accounts": one that shows, links and unlinks with JSON, one with a
/// form.
#[tokio::test]
async fn a_page_shows_links_unlinks_and_updates() {
    for sends in [Sends::Json, Sends::Form] {
        for account in ACCOUNTS {
            let server = TestServer::start_auth0().await;
            let backend = john(&server).await;
            let page = Page::sign_in(&server, account, sends);

            let profile = page.profile().await.unwrap();
            assert_eq!(
                (&profile["user_id"], &profile["user_metadata"]),
                (&json!(PRIMARY), &json!({"color": "red"}))
            );
            assert_eq!(user_ids(&json!(linked_accounts(&profile))), ["5677"]);

            let proof = Token::of("sms", "7").sign();
            let linked = page.link(&proof).await.unwrap();
            assert_eq!(user_ids(&linked), ["115015401343387192604", "5677", "7"]);
            let again = page.link(&proof).await;
            assert_eq!(
                again,
                Err("409 identity_conflict Specified identity already exists.".to_owned())
            );
            let own = page.link(&server.proof(ACCOUNTS[0].0, ACCOUNTS[0].1)).await;
            assert_eq!(
                own,
                Err("400 invalid_body Main identity and the new one are the same.".to_owned())
            );
            let updated = page.update(&json!({"size": "L"})).await.unwrap();
            assert_eq!(updated["user_metadata"], json!({"color": "red", "size": "L"}));
            assert_eq!(page.profile().await, Ok(updated.clone()));
            assert_eq!(backend.get(&path(PRIMARY)).await.ok(), updated);

            let phone = linked_accounts(&updated).pop().unwrap();
            let left = page.unlink(&phone).await.unwrap();
            assert_eq!(user_ids(&left), ["115015401343387192604", "5677"]);
            assert_eq!(page.profile().await.unwrap()["identities"], left);
            let [main, _] = [0, 1].map(|at| left[at].clone());
            let main = page.unlink(&main).await;
            assert_eq!(
                main,
                Err("400 operation_not_supported Main identity cannot be removed.".to_owned())
            );
        }
    }
}

/// The application stores the id of the account that signed in and calls as a service, which finds
/// no user by that id: for that it looks the holder up, once, at sign-in.
#[tokio::test]
async fn an_application_suggests_links_and_unlinks() {
    for profile in [path(PRIMARY), format!("{}?resolve=true", path(LINKED))] {
        let server = TestServer::start_auth0().await;
        let backend = john(&server).await;

        let mut application = Application::sign_in(&server, &profile).await;
        assert_eq!(application.user_id(), PRIMARY);
        assert_eq!(application.suggested().await, [THIRD]);
        let linked = application.link(THIRD).await.unwrap();
        assert_eq!(user_ids(&linked), ["115015401343387192604", "5677", "67f1c2"]);
        let user = backend.get(&path(PRIMARY)).await.ok();
        assert_eq!(
            (&user["identities"], &user["app_metadata"]),
            (&linked, &json!({"roles": ["red", "green"]}))
        );
        assert!(application.link(THIRD).await.unwrap_err().starts_with("404 inexistent_user "));
        assert_eq!(application.suggested().await, [""; 0]);

        let third = linked_accounts(&user).pop().unwrap();
        let left = application.unlink(&third).await.unwrap();
        assert_eq!(user_ids(&left), ["115015401343387192604", "5677"]);
        assert_eq!(backend.get(&path(THIRD)).await.ok()["user_metadata"], json!({}));
    }
}

/// An application without that lookup uses the account that its login names. The server refuses it
/// before it changes anything, even if it suggests a user to itself.
#[tokio::test]
async fn an_application_that_looks_nobody_up_changes_nothing() {
    let server = TestServer::start_auth0().await;
    john(&server).await;
    let mut application =
        Application::sign_in(&server, &format!("{}?resolve=true", path(LINKED))).await;
    application.user["user_id"] = json!(LINKED);
    let before = server.database.db_everything().await;

    assert_eq!(application.suggested().await, [THIRD, PRIMARY]);
    for target in [PRIMARY, THIRD, LINKED] {
        let refused = application.link(target).await.unwrap_err();
        assert!(refused.starts_with("404 inexistent_user "), "{refused}");
    }
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_rule_links_the_person_whichever_account_they_sign_in_with() {
    for id in [PRIMARY, LINKED] {
        let server = TestServer::start_auth0().await;
        let backend = john(&server).await;

        let linked = link_by_rule(&backend, id).await.unwrap();

        assert_eq!(user_ids(&linked), ["67f1c2", "115015401343387192604", "5677"]);
        for account in [PRIMARY, LINKED, THIRD] {
            assert_eq!(link_by_rule(&backend, account).await, None);
        }
    }
}

/// A person unlinks the account with which they signed in. From then on its token is its new
/// user's.
#[tokio::test]
async fn a_linked_account_unlinks_itself() {
    let server = TestServer::start_auth0().await;
    let backend = john(&server).await;
    let page = Page::sign_in(&server, ACCOUNTS[1], Sends::Json);
    let own = linked_accounts(&page.profile().await.unwrap()).pop().unwrap();

    assert_eq!(user_ids(&page.unlink(&own).await.unwrap()), ["115015401343387192604"]);

    let alone = page.profile().await.unwrap();
    assert_eq!((&alone["user_id"], &alone["user_metadata"]), (&json!(LINKED), &json!({})));
    assert_eq!(alone, backend.get(&path(LINKED)).await.ok());
    assert_eq!(page.update(&json!({"color": "blue"})).await.unwrap()["user_id"], LINKED);
    assert_eq!(backend.get(&path(PRIMARY)).await.ok()["user_metadata"], json!({"color": "red"}));
}

/// Like `DeleteUser` without an id, this deletes the person's one user.
#[tokio::test]
async fn a_linked_account_deletes_its_user() {
    let server = TestServer::start_auth0().await;
    let backend = john(&server).await;
    let page = Page::sign_in(&server, ACCOUNTS[1], Sends::Json);

    assert_eq!(page.delete().await, Ok(Value::Null));

    for id in [PRIMARY, LINKED] {
        for query in ["", "?resolve=true"] {
            assert_eq!(backend.get(&format!("{}{query}", path(id))).await.status, 404);
        }
    }
    assert!(page.profile().await.is_err());
    assert_eq!(backend.get(&path(THIRD)).await.status, 200);
}

/// A60, for an id that the token itself names: a token from before the account came to the user
/// only reads.
#[tokio::test]
async fn an_older_token_of_a_linked_account_only_reads() {
    let server = TestServer::start_auth0().await;
    john(&server).await;
    let asker = server.asker(&Token::of("github", "5677").issued_ago(60));
    let user_id_token = server.asker(&Token::of("users", LINKED).issued_ago(60));
    let before = server.database.db_everything().await;

    for asker in [asker, user_id_token] {
        assert_eq!(asker.get(&path(LINKED)).await.ok()["user_id"], PRIMARY);
        let identities = format!("{}/identities", path(LINKED));
        for refused in [
            asker.patch(&path(LINKED), &json!({"user_metadata": {"seen": true}})).await,
            asker.post(&identities, &json!({"link_with": Token::of("sms", "7").sign()})).await,
            asker.delete(&format!("{identities}/github/5677")).await,
            asker.delete(&path(LINKED)).await,
        ] {
            let refused = refused.refused();
            assert_eq!(refused.split(' ').nth(1), Some("reauthentication_required"), "{refused}");
        }
    }
    assert_eq!(server.database.db_everything().await, before);
}

/// A51, for a person whose account's id is another user's id, which has released the account. With
/// that id the person acts on their own user, and never on the other one.
#[tokio::test]
async fn an_account_is_its_person_s_whichever_user_has_its_id() {
    let server = TestServer::start_auth0().await;
    let backend = john(&server).await;
    let service = server.service();
    let sms = service.create("sms", "7").await.id;
    service.link(link_user(PRIMARY, &sms)).await.unwrap();
    // The user with the id keeps only the phone.
    let identities = format!("{}/identities", path(PRIMARY));
    service
        .set_primary_identity(pb::SetPrimaryIdentityRequest {
            user_id: PRIMARY.to_owned(),
            identity: identity_ref("sms", "7"),
            ..Default::default()
        })
        .await
        .unwrap();
    backend.delete(&format!("{identities}/google-oauth2/115015401343387192604")).await.ok();
    let anew = service.owner("google-oauth2", "115015401343387192604").await;
    assert!(anew.starts_with("usr_"), "{anew}");

    let person = server.asker(&Token::of("google-oauth2", "115015401343387192604").issued_ago(-2));
    assert_eq!(person.get(&path(PRIMARY)).await.ok()["user_id"], anew);
    let updated =
        person.patch(&path(PRIMARY), &json!({"user_metadata": {"mine": true}})).await.ok();
    assert_eq!(
        (&updated["user_id"], &updated["user_metadata"]),
        (&json!(anew), &json!({"mine": true}))
    );
    assert_eq!(person.delete(&path(PRIMARY)).await.status, 204);

    let other = service.user(PRIMARY).await;
    assert_eq!(
        (other.identities.len(), other.user_metadata.unwrap().fields.contains_key("mine")),
        (2, false)
    );
    assert_eq!(
        person.get(&path(PRIMARY)).await.refused(),
        "404 inexistent_user The user does not exist."
    );
}

/// The token may name an account with a name that no user id can have.
#[tokio::test]
async fn an_account_s_name_need_not_be_a_user_id() {
    let server = TestServer::start_auth0().await;
    let subject = "zo\u{eb} doe";
    let user_id = server.service().create("sms", subject).await.id;
    let person = server.asker(&Token::of("sms", subject));
    let own = "/api/v2/users/sms%7Czo%C3%AB%20doe";

    assert_eq!(person.get(own).await.ok()["user_id"], user_id);
    assert_eq!(
        person.patch(own, &json!({"user_metadata": {"seen": true}})).await.ok()["user_id"],
        user_id
    );
    for other in ["/api/v2/users/sms%7Czo%C3%AB%20do", "/api/v2/users/zo%C3%AB%20doe"] {
        assert_eq!(
            person.get(other).await.refused(),
            "404 inexistent_user The user does not exist."
        );
    }
    assert_eq!(
        server.backend().get(own).await.refused(),
        "404 inexistent_user The user does not exist."
    );
}

/// A91: the caller's own id is `provider|subject` of the account that the token names. The `sub`
/// alone is not, since it may be another user's id.
#[tokio::test]
async fn a_sub_without_its_provider_is_no_id() {
    let server = TestServer::start_auth0().await;
    let victim = server.service().create("google-oauth2", "victim").await.id;
    let mallory = server.asker(&Token::of("sms", &victim));
    server.service().create("sms", &victim).await;

    let refused = [
        mallory.get(&path(&victim)).await,
        mallory.patch(&path(&victim), &json!({"user_metadata": {"seen": true}})).await,
        mallory.delete(&path(&victim)).await,
    ];
    for refused in refused {
        assert_eq!(
            refused.refused(),
            "403 unowned_resource User to be acted on does not match subject in bearer token."
        );
    }
    let own = mallory.get(&path(&format!("sms|{victim}"))).await.ok();
    assert_eq!(own["identities"][0]["provider"], "sms");
    // The account's id in another form is not the caller's own either.
    assert_eq!(mallory.get(&path(&format!("SMS|{victim}"))).await.status, 403);
}
