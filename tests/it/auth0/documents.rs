//! The steps of Auth0's documents: the shapes, the statuses, and the three scenarios of linking.

use http::header;
use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use crate::support::{TestServer, auth0::Asker, tokens::Token};

/// The two accounts of "Linking User Accounts".
async fn john(backend: &Asker) {
    let google = json!({
        "connection": "google-oauth2", "user_id": "115015401343387192604", "email": "your0@email.com",
        "email_verified": true, "name": "John Doe", "given_name": "John", "family_name": "Doe",
        "picture": "https://lh3.googleusercontent.com/photo.jpg", "gender": "male", "locale": "en",
        "user_metadata": {"color": "red"}, "app_metadata": {"roles": ["Admin"]},
    });
    let sms = json!({
        "connection": "sms", "user_id": "560ebaeef609ee1adaa7c551", "phone_number": "+14258831929",
        "phone_verified": true, "name": "+14258831929",
        "user_metadata": {"color": "blue"}, "app_metadata": {"roles": ["AppAdmin"]},
    });
    for user in [google, sms] {
        backend.post("/api/v2/users", &user).await.ok();
    }
}

/// A user without its times, since both may be equal.
fn timeless(mut user: Value) -> Value {
    for time in ["created_at", "updated_at"] {
        let time = user.as_object_mut().unwrap().remove(time).unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).is_ok());
    }
    user
}

#[tokio::test]
async fn linking_and_unlinking_are_as_the_documents_have_them() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    john(&backend).await;

    let identities = json!({"provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"});
    let linked = backend
        .post("/api/v2/users/google-oauth2|115015401343387192604/identities", &identities)
        .await;
    assert_eq!(linked.status, 201);
    let after = json!([
        {
            "provider": "google-oauth2", "user_id": "115015401343387192604", "connection": "google-oauth2",
            "isSocial": true,
        },
        {
            "profileData": {"phone_number": "+14258831929", "phone_verified": true, "name": "+14258831929"},
            "user_id": "560ebaeef609ee1adaa7c551", "provider": "sms", "connection": "sms", "isSocial": false,
        },
    ]);
    assert_eq!(linked.ok(), after);

    let user = backend.get("/api/v2/users/google-oauth2%7C115015401343387192604").await.ok();
    assert_eq!(
        timeless(user),
        json!({
            "email": "your0@email.com", "email_verified": true, "name": "John Doe", "given_name": "John",
            "family_name": "Doe", "picture": "https://lh3.googleusercontent.com/photo.jpg", "gender": "male",
            "locale": "en", "nickname": "your0",
            "user_id": "google-oauth2|115015401343387192604", "identities": after, "blocked": false,
            "user_metadata": {"color": "red"}, "app_metadata": {"roles": ["Admin"]},
        })
    );

    let path =
        "/api/v2/users/google-oauth2|115015401343387192604/identities/sms/560ebaeef609ee1adaa7c551";
    let unlinked = backend.delete(path).await;
    assert_eq!(unlinked.status, 200);
    assert_eq!(unlinked.ok(), json!([after[0]]));
    let alone = backend.get("/api/v2/users/sms|560ebaeef609ee1adaa7c551").await.ok();
    let picture = alone["picture"].clone();
    assert_eq!(
        timeless(alone),
        json!({
            "phone_number": "+14258831929", "phone_verified": true, "name": "+14258831929",
            "nickname": "+14258831929", "picture": picture, "email_verified": false,
            "user_id": "sms|560ebaeef609ee1adaa7c551", "blocked": false, "user_metadata": {}, "app_metadata": {},
            "identities": [{
                "user_id": "560ebaeef609ee1adaa7c551", "provider": "sms", "connection": "sms", "isSocial": false,
            }],
        })
    );
}

/// A user token links only with a token of the second account as `link_with`.
#[tokio::test]
async fn a_user_links_with_both_tokens() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    john(&backend).await;
    let john = server.asker(&Token::of("google-oauth2", "115015401343387192604"));
    let path = "/api/v2/users/google-oauth2|115015401343387192604/identities";

    let unproven =
        john.post(path, &json!({"provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"})).await;
    insta::assert_snapshot!(unproven.refused(), @"403 insufficient_scope Insufficient scope; expected: update:users.");
    let others = john
        .post("/api/v2/users/sms|560ebaeef609ee1adaa7c551/identities", &json!({"link_with": "x"}))
        .await;
    insta::assert_snapshot!(others.refused(), @"400 invalid_body Invalid token (link_with).");

    let link_with = Token::of("sms", "560ebaeef609ee1adaa7c551").sign();
    let linked = john.post(path, &json!({"link_with": link_with})).await;
    assert_eq!(linked.status, 201);
    assert_eq!(linked.ok()[1]["provider"], "sms");
    let again = john.post(path, &json!({"link_with": link_with})).await;
    insta::assert_snapshot!(again.refused(), @"409 identity_conflict Specified identity already exists.");
    assert_eq!(again.headers.get(header::RETRY_AFTER), None, "no retry can succeed");
}

/// A61: with the tutorial's `max_sign_in_age`, a login of this morning links and unlinks, and only
/// the last ten minutes delete.
#[tokio::test]
async fn a_login_of_nine_hours_links_and_unlinks() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    john(&backend).await;
    let john =
        |ago| server.asker(&Token::of("google-oauth2", "115015401343387192604").issued_ago(ago));
    let (this_morning, yesterday) = (john(9 * 3600), john(11 * 3600));
    let path = "/api/v2/users/google-oauth2|115015401343387192604/identities";
    let link_with = json!({"link_with": Token::of("sms", "560ebaeef609ee1adaa7c551").sign()});

    let too_old = yesterday.post(path, &link_with).await;
    insta::assert_snapshot!(too_old.refused(), @"403 reauthentication_required The sign-in behind this token is too old for this call: let the user sign in again.");
    assert_eq!(this_morning.post(path, &link_with).await.status, 201);
    let unlink = format!("{path}/sms/560ebaeef609ee1adaa7c551");
    let too_old = yesterday.delete(&unlink).await;
    assert_eq!(too_old.refused().split(' ').nth(1), Some("reauthentication_required"));
    assert_eq!(this_morning.delete(&unlink).await.status, 200);
    assert_eq!(
        this_morning.get("/api/v2/users/google-oauth2|115015401343387192604").await.status,
        200
    );
    let delete = this_morning.delete("/api/v2/users/google-oauth2|115015401343387192604").await;
    assert_eq!(delete.refused().split(' ').nth(1), Some("reauthentication_required"));
}

/// A51: a user's id still resolves after the account in the id has left. From then on it names
/// neither of the two. Otherwise a caller that takes the id for the account, as the documents'
/// samples do, would link the wrong user.
#[tokio::test]
async fn an_id_whose_account_is_another_users_names_no_user() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let create = |connection, user_id| json!({"connection": connection, "user_id": user_id, "name": "somebody"});
    backend.post("/api/v2/users", &create("google-oauth2", "victim")).await.ok();
    backend.post("/api/v2/users", &create("auth0", "mallory")).await.ok();
    let victim = server.asker(&Token::of("google-oauth2", "victim"));
    let link_with = json!({"link_with": Token::of("sms", "7").sign()});
    victim.post("/api/v2/users/google-oauth2|victim/identities", &link_with).await.ok();
    let main = json!({"provider": "google-oauth2", "user_id": "victim"});
    backend.post("/api/v2/users/auth0|mallory/identities", &main).await.ok();
    backend.delete("/api/v2/users/auth0|mallory/identities/google-oauth2/victim").await.ok();

    // The first user still holds the id, and the second user has the account.
    for refused in [
        backend.get("/api/v2/users/google-oauth2|victim").await,
        backend.patch("/api/v2/users/google-oauth2|victim", &json!({"blocked": true})).await,
        backend.delete("/api/v2/users/google-oauth2|victim").await,
        backend.post("/api/v2/users/google-oauth2|victim/identities", &main).await,
    ] {
        assert!(
            [
                "404 inexistent_user The user does not exist.",
                "400 invalid_body Main identity and the new one are the same."
            ]
            .contains(&refused.refused().as_str()),
            "{refused:?}"
        );
    }
    let refused = backend.post("/api/v2/users/auth0|mallory/identities", &main).await;
    insta::assert_snapshot!(refused.refused(), @"409 identity_conflict Specified identity already exists.");
    let mallory = backend.get("/api/v2/users/auth0|mallory").await.ok();
    assert_eq!(mallory["identities"].as_array().unwrap().len(), 2);

    // Nor when the account's new user is deleted: the next sign-in there is a new user.
    let found =
        backend.get(r#"/api/v2/users?q=identities.provider:%22google-oauth2%22"#).await.ok();
    let anew = found[0]["user_id"].as_str().unwrap();
    backend.delete(&format!("/api/v2/users/{anew}")).await.ok();
    let gone = backend.get("/api/v2/users/google-oauth2|victim").await;
    insta::assert_snapshot!(gone.refused(), @"404 inexistent_user The user does not exist.");

    // Nor when the id's user lives again, without the account.
    backend.delete("/api/v2/users/auth0|mallory/identities/sms/7").await.ok();
    let alone = server.service().user("google-oauth2|victim").await;
    assert_eq!(alone.identities.len(), 1);
    for refused in [
        backend.get("/api/v2/users/google-oauth2|victim").await,
        backend.patch("/api/v2/users/google-oauth2|victim", &json!({"blocked": true})).await,
        backend.delete("/api/v2/users/google-oauth2|victim").await,
        backend
            .post(
                "/api/v2/users/google-oauth2|victim/identities",
                &json!({"provider": "auth0", "user_id": "mallory"}),
            )
            .await,
        backend.delete("/api/v2/users/google-oauth2|victim/identities/sms/7").await,
    ] {
        assert_eq!(refused.refused(), "404 inexistent_user The user does not exist.");
    }
    for query in ["", "&include_totals=true", "&take=1"] {
        let found = backend
            .get(&format!(r#"/api/v2/users?q=user_id:%22google-oauth2%7Cvictim%22{query}"#))
            .await
            .ok();
        assert!(!found.to_string().contains("user_id"), "{found}");
    }
}

/// A52: a back end that names an account means the account's own user, not another user that linked
/// the account.
#[tokio::test]
async fn an_account_that_another_user_has_linked_brings_no_user_along() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for user_id in ["ann", "bob", "eve"] {
        backend
            .post("/api/v2/users", &json!({"connection": "github", "user_id": user_id}))
            .await
            .ok();
    }
    backend
        .post(
            "/api/v2/users/github|ann/identities",
            &json!({"provider": "github", "user_id": "bob"}),
        )
        .await
        .ok();

    let refused = backend
        .post(
            "/api/v2/users/github|eve/identities",
            &json!({"provider": "github", "user_id": "bob"}),
        )
        .await;

    insta::assert_snapshot!(refused.refused(), @"409 identity_conflict Specified identity already exists.");
    let ann = backend.get("/api/v2/users/github|ann").await.ok();
    assert_eq!(ann["identities"].as_array().unwrap().len(), 2);
    assert_eq!(
        backend.get("/api/v2/users/github|eve").await.ok()["identities"].as_array().unwrap().len(),
        1
    );
}

/// The id of a user names it even after another identity has become its primary one.
#[tokio::test]
async fn a_user_is_named_by_its_id_whichever_identity_is_its_main_one() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for user_id in ["ann", "bob", "eve"] {
        backend
            .post("/api/v2/users", &json!({"connection": "github", "user_id": user_id}))
            .await
            .ok();
    }
    backend
        .post(
            "/api/v2/users/github|ann/identities",
            &json!({"provider": "github", "user_id": "bob"}),
        )
        .await
        .ok();
    let primary = pb::SetPrimaryIdentityRequest {
        user_id: "github|ann".to_owned(),
        identity: Some(pb::IdentityRef {
            provider: "github".to_owned(),
            subject: "bob".to_owned(),
        }),
        ..pb::SetPrimaryIdentityRequest::default()
    };
    server.service().set_primary_identity(primary).await.unwrap();

    let link = json!({"provider": "github", "user_id": "ann"});
    let linked = backend.post("/api/v2/users/github|eve/identities", &link).await.ok();

    let names: Vec<&str> =
        linked.as_array().unwrap().iter().map(|of| of["user_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["eve", "ann", "bob"]);
}
