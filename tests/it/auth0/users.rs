//! Creates, reads, changes and deletes users.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::looks::looks;
use crate::support::{TestServer, link_user, object, tokens::Token, unverified};

const USERS: &str = "/api/v2/users";
const ANN: &str = "/api/v2/users/github%7Cann";

#[tokio::test]
async fn a_new_user_has_the_identity_that_its_connection_makes() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for (connection, provider, is_social) in [
        ("Username-Password-Authentication", "auth0", false),
        ("auth0", "auth0", false),
        ("google-oauth2", "google-oauth2", true),
        ("apple", "apple", false),
    ] {
        let account = format!("of {connection}").replace(' ', "-");
        let created =
            backend.post(USERS, &json!({"connection": connection, "user_id": account})).await;
        assert_eq!(created.status, 201);
        let created = created.ok();
        assert_eq!(created["user_id"], format!("{provider}|{account}"));
        let identity = json!({"connection": connection, "provider": provider, "user_id": account, "isSocial": is_social});
        assert_eq!(created["identities"], json!([identity]));
        assert_eq!((&created["blocked"], &created["user_metadata"]), (&json!(false), &json!({})));
        assert_eq!(backend.get(&format!("{USERS}/{provider}|{account}")).await.ok(), created);
    }
    let made_up = backend.post(USERS, &json!({"connection": "auth0", "blocked": true})).await.ok();
    let account = made_up["user_id"].as_str().unwrap().strip_prefix("auth0|").unwrap();
    assert!(
        account.len() == 32 && account.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{account}"
    );
    assert_eq!(
        (&made_up["identities"][0]["user_id"], &made_up["blocked"]),
        (&json!(account), &json!(true))
    );
}

/// Whether an identity is a user's first one or was linked to the user.
#[tokio::test]
async fn an_identity_that_a_user_has_makes_no_second_user() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for connection in ["github", "sms"] {
        backend.post(USERS, &json!({"connection": connection, "user_id": "ann"})).await.ok();
    }
    backend
        .post(&format!("{ANN}/identities"), &json!({"provider": "sms", "user_id": "ann"}))
        .await
        .ok();
    let before = server.database.db_everything().await;
    for connection in ["github", "sms"] {
        let again = backend.post(USERS, &json!({"connection": connection, "user_id": "ann"})).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(again.refused(), @"409 auth0_idp_error The user already exists.");
        }
    }
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn an_email_is_verified_on_the_word_of_the_service_that_says_so() {
    let server = TestServer::start_auth0().await;
    for (account, verified) in [("ann", json!(true)), ("bob", json!(false))] {
        let user = json!({
            "connection": "github", "user_id": account, "email": format!("{account}@Example.com"),
            "email_verified": verified,
        });
        let created = server.backend().post(USERS, &user).await.ok();
        assert_eq!((&created["email"], &created["email_verified"]), (&user["email"], &verified));
    }
    let verifiers = "SELECT subject || ' ' || coalesce(email_verifier::text, '-') FROM identities ORDER BY subject";
    insta::assert_snapshot!(server.database.db_texts(verifiers).await.join("\n"), @r#"
        ann {"kind": "service", "issuer": "https://services.example.com", "subject": "backend"}
        bob -
    "#);
}

/// A53: no profile value appears under a name with a meaning of this service.
#[tokio::test]
async fn a_profile_says_nothing_in_our_name() {
    let server = TestServer::start_auth0().await;
    let service = server.service();
    let profile = json!({
        "name": "Mallory", "email": "admin@example.com", "email_verified": true, "user_id": "auth0|admin",
        "app_metadata": {"roles": ["Admin"]}, "user_metadata": {"a": 1}, "identities": [], "blocked": false,
        "created_at": "2000-01-01T00:00:00.000Z", "updated_at": "2000-01-01T00:00:00.000Z",
    });
    let spoof = |request: &mut pb::CreateUserRequest| {
        unverified("mallory@example.com")(request);
        request.identity.as_mut().unwrap().profile_data = object(profile.clone());
        request.blocked = true;
    };
    let first = service.create_with("github", "mallory", spoof).await;
    let second = service.create_with("sms", "mallory", |request| {
        spoof(request);
        request.blocked = false;
    });
    let second = second.await;
    service.block(&first.id, false).await;
    service.link(link_user(&first.id, &second.id)).await.unwrap();
    service.block(&first.id, true).await;

    let mut user = server.backend().get(&format!("{USERS}/github|mallory")).await.ok();
    for time in ["created_at", "updated_at"] {
        let time = user.as_object_mut().unwrap().remove(time).unwrap();
        assert!(!time.as_str().unwrap().starts_with("2000"), "{time}");
    }
    assert_eq!(looks(&user), ["Mallory", "mallory", "-"]);
    user.as_object_mut().unwrap().remove("picture");
    let profile_data = user["identities"][1]["profileData"].take();
    assert_eq!(
        user,
        json!({
            "user_id": "github|mallory", "name": "Mallory", "nickname": "mallory", "email": "mallory@example.com",
            "email_verified": false, "app_metadata": {}, "user_metadata": {}, "blocked": true,
            "identities": [
                {"connection": "github", "provider": "github", "user_id": "mallory", "isSocial": true},
                {
                    "connection": "sms", "provider": "sms", "user_id": "mallory", "isSocial": false,
                    "profileData": null,
                },
            ],
        })
    );
    assert_eq!(profile_data["email"], "mallory@example.com");
    assert_eq!(profile_data["email_verified"], false);
}

#[tokio::test]
async fn metadata_is_merged_at_its_first_level() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for field in ["user_metadata", "app_metadata"] {
        let account = field.replace('_', "-");
        let before = json!({"a": {"b": 1, "c": 2}, "d": 3});
        let user = json!({"connection": "github", "user_id": account, field: before});
        backend.post(USERS, &user).await.ok();
        for (patch, after) in [
            (json!({"a": {"b": 9}}), json!({"a": {"b": 9}, "d": 3})),
            (json!({"d": null, "e": [1], "f": null}), json!({"a": {"b": 9}, "e": [1]})),
            (json!({"e": {"g": null}}), json!({"a": {"b": 9}, "e": {"g": null}})),
            (json!({}), json!({})),
        ] {
            let said = backend
                .patch(&format!("{USERS}/github|{account}"), &json!({field: patch}))
                .await
                .ok();
            assert_eq!(said[field], after, "{patch}");
            assert_eq!(backend.get(&format!("{USERS}/github|{account}")).await.ok(), said);
        }
    }
}

#[tokio::test]
async fn what_a_service_lays_over_a_profile_is_shown_until_it_takes_it_away() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let user =
        json!({"connection": "github", "user_id": "ann", "name": "Ann", "nickname": "annie"});
    backend.post(USERS, &user).await.ok();
    for (patch, shown) in [
        (
            json!({"name": "Dr. Ann", "picture": "https://example.com/a.png"}),
            ["Dr. Ann", "annie", "https://example.com/a.png"],
        ),
        (json!({"nickname": "doc", "picture": null}), ["Dr. Ann", "doc", "-"]),
        (json!({"name": null, "nickname": null}), ["Ann", "annie", "-"]),
    ] {
        let said = backend.patch(ANN, &patch).await.ok();
        assert_eq!(looks(&said), shown, "{patch}");
    }
}

/// J08: a user token gives its user no role, and does not unblock it.
/// A30: a user token sets nothing that others rely on.
#[tokio::test]
async fn a_person_changes_its_user_metadata_and_nothing_else() {
    let server = TestServer::start_auth0().await;
    server.backend().post(USERS, &json!({"connection": "github", "user_id": "ann"})).await.ok();
    let ann = server.asker(&Token::of("github", "ann"));
    let before = server.database.db_everything().await;
    for patch in [
        json!({"app_metadata": {"roles": ["Admin"]}}),
        json!({"app_metadata": {}}),
        json!({"blocked": false}),
        json!({"name": "Admin"}),
        json!({"picture": null}),
        json!({"user_metadata": {"color": "red"}, "app_metadata": {"roles": ["Admin"]}}),
    ] {
        let said = ann.patch(ANN, &patch).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(said.refused(), @"403 insufficient_scope Insufficient scope; expected any of: update:users.");
        }
    }
    assert_eq!(server.database.db_everything().await, before);
    let said = ann.patch(ANN, &json!({"user_metadata": {"color": "red"}})).await.ok();
    assert_eq!(said["user_metadata"], json!({"color": "red"}));
}

#[tokio::test]
async fn a_user_is_deleted_with_the_users_that_were_linked_into_it() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for connection in ["github", "sms"] {
        backend.post(USERS, &json!({"connection": connection, "user_id": "ann"})).await.ok();
    }
    backend
        .post(&format!("{ANN}/identities"), &json!({"provider": "sms", "user_id": "ann"}))
        .await
        .ok();
    let absorbed = backend.get("/api/v2/users/sms|ann?resolve=true").await.ok();
    assert_eq!(absorbed, backend.get(ANN).await.ok());

    let deleted = backend.delete(ANN).await;

    assert_eq!((deleted.status.as_u16(), deleted.body), (204, Value::Null));
    for id in ["github|ann", "sms|ann"] {
        assert_eq!(backend.get(&format!("{USERS}/{id}")).await.status, 404, "{id}");
        assert_eq!(backend.delete(&format!("{USERS}/{id}")).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn an_answer_has_the_fields_that_are_asked_for() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    let user = json!({"connection": "github", "user_id": "ann", "email": "ann@example.com", "name": "Ann"});
    backend.post(USERS, &user).await.ok();
    let mut told = Vec::new();
    for query in [
        "fields=user_id,email",
        "fields=user_id%2C%20name&include_fields=true",
        "fields=identities,created_at,updated_at,user_metadata,picture&include_fields=false",
        "fields=nothing",
    ] {
        let said = backend.get(&format!("{ANN}?{query}")).await.ok();
        assert_eq!(backend.get(&format!("{USERS}?{query}")).await.ok(), json!([said]));
        assert_eq!(
            backend.get(&format!("{USERS}-by-email?email=ann@example.com&{query}")).await.ok(),
            json!([said])
        );
        told.push(format!("{query} -> {said}"));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
        fields=user_id,email -> {"email":"ann@example.com","user_id":"github|ann"}
        fields=user_id%2C%20name&include_fields=true -> {"name":"Ann","user_id":"github|ann"}
        fields=identities,created_at,updated_at,user_metadata,picture&include_fields=false -> {"app_metadata":{},"blocked":false,"email":"ann@example.com","email_verified":false,"name":"Ann","nickname":"ann","user_id":"github|ann"}
        fields=nothing -> {}
    "#);
    for all in ["fields=", "fields=,", "include_fields=false"] {
        assert_eq!(
            backend.get(&format!("{ANN}?{all}")).await.ok(),
            backend.get(ANN).await.ok(),
            "{all}"
        );
    }
}
