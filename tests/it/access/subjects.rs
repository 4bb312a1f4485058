//! J21, J22, J23: a subject depends on its issuer, and on its every byte.

use serde_json::Value;

use super::stranger;
use crate::support::{
    tokens::{SELF_SCOPES, SERVICE_SCOPES, Token},
    *,
};

#[tokio::test]
async fn subjects_that_only_look_alike_are_different_users() {
    let server = TestServer::start().await;
    let alike = [
        "ann",
        "Ann",
        "ANN",
        "ann ",
        " ann",
        "a\u{308}nn",
        "\u{e4}nn",
        "ａnn",
        "ann\u{200b}",
        "an%6e",
        "ann|",
        "ann'",
    ];
    let mut users = Vec::new();
    for subject in alike {
        users.push(server.service().create("github", subject).await);
    }
    for (subject, user) in alike.into_iter().zip(&users) {
        let person = server.person("github", subject);
        assert_eq!(person.user("").await, *user, "{subject:?}");
        for other in users.iter().filter(|other| other.id != user.id) {
            assert_eq!(
                refusal(person.get_user(get(&other.id)).await),
                "PermissionDenied NOT_YOUR_USER",
                "{subject:?}"
            );
        }
    }
    let longest = "x".repeat(255);
    let user = server.service().create("github", &longest).await;
    assert_eq!(server.person("github", &longest).user("").await, user);
}

/// A service can often choose its own name, or the party that registers it does.
#[tokio::test]
async fn a_service_that_is_named_like_a_user_is_not_that_user() {
    let scopes: Vec<String> = SELF_SCOPES
        .split(' ')
        .chain(SERVICE_SCOPES.split(' '))
        .map(|scope| format!("\"{scope}\""))
        .collect();
    let settings = format!(
        "kind_claim = \"kind\"\nsubject = \"subject\"\nprovider = \"p\"\ntenant = \"default\"\n\
         audiences = [\"identity-link\"]\nlink_with.audiences = [\"identity-link\"]\nallowed_scopes = [{}]",
        scopes.join(", ")
    );
    let server = TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        stranger(&toml, &settings)
    })
    .await;
    let user = server.service().create("p", "1").await;
    let person = server.person("github", "h1");
    server.service().create("github", "h1").await;
    let needs_id =
        "InvalidArgument REQUEST_INVALID\nuser_id: is required: a service has no user of its own";

    for subject in ["1", "p|1", &user.id] {
        let service = Token::of("stranger", subject)
            .with("kind", "service")
            .with("client_id", user.id.as_str())
            .scope(&format!("{SELF_SCOPES} {SERVICE_SCOPES}"));
        let caller = server.caller(&service);
        assert_eq!(refusal(caller.get_user(get("")).await), needs_id);
        assert_eq!(refusal(caller.delete_user(delete("")).await), needs_id);
        let proven = server.db_refused(person.link(link_with(&service.sign()))).await;
        assert_eq!(proven, "FailedPrecondition LINK_TOKEN_INVALID");
        // With the scopes of a user only, it may make no call.
        let caller = server.caller(&service.scope(SELF_SCOPES));
        assert_eq!(refusal(caller.get_user(get("")).await), "PermissionDenied SCOPE_INSUFFICIENT");
        assert_eq!(
            refusal(caller.get_user(get(&user.id)).await),
            "PermissionDenied SCOPE_INSUFFICIENT"
        );
    }
    // A user token with the name of a service, or with a service's claims `client_id` and `gty`, is
    // still a user's.
    let user = Token::of("stranger", "backend")
        .with("kind", "user")
        .with("client_id", "backend")
        .with("gty", "client-credentials")
        .scope(&format!("{SELF_SCOPES} {SERVICE_SCOPES}"));
    let listed = server.caller(&user).find_by_identity(owner_of("p", "1")).await;
    assert_eq!(refusal(listed), "PermissionDenied SCOPE_INSUFFICIENT");
    assert_eq!(
        refusal(server.caller(&user.with("sub", Value::Null)).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
}

/// A subject is no user id, even if a user id has the form of a subject.
#[tokio::test]
async fn a_subject_is_never_taken_for_a_user_id() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let victim = service.create("github", "h1").await;
    assert_eq!(victim.id, "github|h1");
    let person = |issuer: &'static str, subject: &str| {
        server.caller(&Token::of(issuer, subject).tenant("joined"))
    };

    // At another provider, an account has the victim's id as its subject, or the victim's subject.
    for subject in ["github|h1", "h1"] {
        for issuer in ["google-oauth2", "sms", "apple"] {
            let stranger = person(issuer, subject);
            assert_eq!(refusal(stranger.get_user(get("")).await), "NotFound USER_NOT_FOUND");
            assert_eq!(
                refusal(stranger.get_user(get(&victim.id)).await),
                "NotFound USER_NOT_FOUND"
            );
        }
    }
    // A subject is a user id only for an issuer with `subject = "user_id"`.
    assert_eq!(person("users", "github|h1").user("").await, victim);
    assert_eq!(refusal(person("users", "h1").get_user(get("")).await), "NotFound USER_NOT_FOUND");
}
