//! The scopes that each rpc requires.

use identity_link::auth::access::TABLE;
use serde_json::Value;

use super::stranger;
use crate::support::{
    tokens::{SELF_SCOPES, SERVICE_SCOPES, Token},
    *,
};

const DENIED: &str = "PermissionDenied SCOPE_INSUFFICIENT";

/// A server that allows the stranger's tokens every scope, as a user's and as a service's.
async fn generous() -> TestServer {
    let scopes: Vec<String> = SELF_SCOPES
        .split(' ')
        .chain(SERVICE_SCOPES.split(' '))
        .map(|scope| format!("\"{scope}\""))
        .collect();
    let settings = format!(
        "kind_claim = \"kind\"\nsubject = \"subject\"\nprovider = \"github2\"\ntenant = \"default\"\n\
         audiences = [\"identity-link\"]\nallowed_scopes = [{}]",
        scopes.join(", ")
    );
    TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        stranger(&toml, &settings)
    })
    .await
}

async fn call(server: &TestServer, path: &str, token: &Token) -> String {
    let outcome = server.raw_authorized(path, &format!("Bearer {}", token.sign())).await;
    outcome.map_or_else(|status| refusal::<()>(Err(status)), |_| "OK".to_owned())
}

#[tokio::test]
async fn a_user_token_needs_the_self_scope_of_the_rpc_and_no_service_scope_helps() {
    let server = generous().await;
    let before = server.database.db_everything().await;
    for rule in TABLE {
        let others: Vec<&str> =
            SELF_SCOPES.split(' ').filter(|scope| Some(*scope) != rule.self_scope).collect();
        let user = Token::of("stranger", "h1").with("kind", "user");
        for scope in [
            "",
            SERVICE_SCOPES,
            &others.join(" "),
            &format!("{SERVICE_SCOPES} {}", others.join(" ")),
        ] {
            assert_eq!(
                call(&server, rule.path, &user.clone().scope(scope)).await,
                DENIED,
                "{} {scope}",
                rule.path
            );
        }
        assert_eq!(
            call(&server, rule.path, &user.clone().with("scope", Value::Null)).await,
            DENIED,
            "{}",
            rule.path
        );
        let Some(scope) = rule.self_scope else {
            let all = user.scope(&format!("{SELF_SCOPES} {SERVICE_SCOPES}"));
            assert_eq!(call(&server, rule.path, &all).await, DENIED, "{}", rule.path);
            continue;
        };
        for near in near_misses(scope) {
            assert_eq!(
                call(&server, rule.path, &user.clone().scope(&near)).await,
                DENIED,
                "{} {near:?}",
                rule.path
            );
        }
        let let_in = call(&server, rule.path, &user.scope(scope)).await;
        assert!(
            let_in == "NotFound USER_NOT_FOUND"
                || let_in.starts_with("InvalidArgument REQUEST_INVALID"),
            "{} {let_in}",
            rule.path
        );
    }
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn a_service_token_needs_the_service_scope_of_the_rpc_and_no_self_scope_helps() {
    let server = generous().await;
    let before = server.database.db_everything().await;
    for rule in TABLE {
        let others: Vec<&str> =
            SERVICE_SCOPES.split(' ').filter(|scope| Some(*scope) != rule.service_scope).collect();
        let services = [
            Token::of("services", "backend"),
            Token::of("stranger", "backend").with("kind", "service"),
        ];
        for service in services {
            for scope in
                ["", SELF_SCOPES, &others.join(" "), &format!("{SELF_SCOPES} {}", others.join(" "))]
            {
                let token = service.clone().scope(scope);
                assert_eq!(call(&server, rule.path, &token).await, DENIED, "{} {scope}", rule.path);
            }
            let scope = rule.service_scope.expect("every rpc should be open to services");
            for near in near_misses(scope) {
                let token = service.clone().scope(&near);
                assert_eq!(
                    call(&server, rule.path, &token).await,
                    DENIED,
                    "{} {near:?}",
                    rule.path
                );
            }
            let let_in = call(&server, rule.path, &service.scope(scope)).await;
            // ListUsers accepts an empty message.
            assert!(
                let_in == "OK" || let_in.starts_with("InvalidArgument REQUEST_INVALID"),
                "{} {let_in}",
                rule.path
            );
        }
    }
    assert_eq!(server.database.db_everything().await, before);
}

/// Scopes that a loose comparison takes for this one.
fn near_misses(scope: &str) -> Vec<String> {
    let separators = ["\t", ",", "\n", "\u{a0}", ";"];
    let joined = separators.iter().map(|separator| format!("{scope}{separator}{scope}"));
    [
        scope[..scope.len() - 1].to_owned(),
        scope[1..].to_owned(),
        format!("{scope}x"),
        format!("x{scope}"),
        scope.to_uppercase(),
        format!("\"{scope}\""),
        format!("{scope}:*"),
        "*".to_owned(),
        scope.split(':').next().unwrap().to_owned(),
    ]
    .into_iter()
    .chain(joined)
    .collect()
}

/// With a scope that is both, a user token with a service scope would have a self scope.
#[test]
fn no_scope_is_both_a_users_and_a_services() {
    for rule in TABLE {
        assert!(
            TABLE
                .iter()
                .all(|other| rule.self_scope.is_none() || rule.self_scope != other.service_scope)
        );
    }
}

/// A42: a user token can look up no user, with any scope.
#[tokio::test]
async fn a_user_token_gets_the_refusal_for_services_only() {
    let server = TestServer::start().await;
    let status =
        server.person("github", "h1").find_by_email(by_email("a@example.com")).await.unwrap_err();
    assert_eq!(status.message(), "this call is for services only");
}

#[tokio::test]
async fn an_issuer_gives_no_more_than_its_allowed_scopes() {
    let settings = "kind = \"service\"\ntenant = \"default\"\naudiences = [\"identity-link\"]\n\
                    allowed_scopes = [\"read:users\"]";
    let server = TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        stranger(&toml, settings)
    })
    .await;
    let user = server.service().create("github", "h1").await;
    let service = server.caller(&Token::of("stranger", "reader").scope(SERVICE_SCOPES));

    assert_eq!(service.user(&user.id).await, user);
    assert_eq!(refusal(service.delete_user(delete(&user.id)).await), DENIED);
    assert_eq!(refusal(service.update_user(block(&user.id, true)).await), DENIED);
    assert_eq!(refusal(service.link(link_user(&user.id, "usr_x")).await), DENIED);
}

/// The sample configurations of the documents need this: their ID tokens have no scopes.
#[tokio::test]
async fn implied_scopes_need_no_claim_and_are_for_user_tokens_only() {
    let settings = "kind_claim = \"kind\"\nsubject = \"subject\"\nprovider = \"github2\"\ntenant = \"default\"\n\
                    audiences = [\"identity-link\"]\nimplied_scopes = [\"read:current_user\"]\n\
                    allowed_scopes = [\"update:current_user_metadata\"]";
    let server = TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        stranger(&toml, settings)
    })
    .await;
    let user = server.service().create("github2", "h1").await;
    let silent = Token::of("stranger", "h1").with("kind", "user").with("scope", Value::Null);

    assert_eq!(server.caller(&silent).user("").await, user);
    let change = update("", &["user_metadata"], identity_link::grpc::proto::UserUpdate::default());
    assert_eq!(refusal(server.caller(&silent).update_user(change.clone()).await), DENIED);
    let saying = silent.clone().scope("update:current_user_metadata delete:current_user");
    server.caller(&saying).update_user(change).await.unwrap();
    assert_eq!(server.caller(&saying).user("").await, user);
    assert_eq!(refusal(server.caller(&saying).delete_user(delete("")).await), DENIED);
    // A service token has no implied scopes.
    let service = silent.with("kind", "service");
    assert_eq!(refusal(server.caller(&service).get_user(get(&user.id)).await), DENIED);
}
