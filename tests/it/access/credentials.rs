//! J28: where a call may contain its token: once, in `authorization`, after `Bearer`.

use super::rpcs;
use crate::support::{tokens::Token, *};

#[tokio::test]
async fn no_rpc_answers_without_a_token() {
    let server = TestServer::start().await;
    for path in rpcs() {
        assert_eq!(
            refusal(server.raw(path, &[], &[]).await),
            "Unauthenticated TOKEN_MISSING",
            "{path}"
        );
        // A token in any other metadata is no authorization.
        let token = Token::of("services", "backend").sign();
        let bearer = format!("Bearer {token}");
        let elsewhere = [
            ("cookie", token.as_str()),
            ("x-authorization", &bearer),
            ("grpc-authorization", &bearer),
            ("proxy-authorization", &bearer),
            ("x-forwarded-user", "backend"),
            ("x-forwarded-access-token", &token),
            ("authorization-bin", &bearer),
        ];
        assert_eq!(
            refusal(server.raw(path, &elsewhere, &[]).await),
            "Unauthenticated TOKEN_MISSING",
            "{path}"
        );
    }
}

/// Two credentials could name two callers, in either order.
#[tokio::test]
async fn no_rpc_takes_two_authorizations() {
    let server = TestServer::start().await;
    let good = format!("Bearer {}", Token::of("services", "backend").sign());
    let both = format!("{good}, {good}");
    for path in rpcs() {
        for second in [good.as_str(), "Bearer x", "Basic eDp5", ""] {
            for pair in [[good.as_str(), second], [second, good.as_str()]] {
                let metadata = pair.map(|value| ("authorization", value));
                let outcome = server.raw(path, &metadata, &[]).await;
                assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{path} {second}");
            }
        }
        assert_eq!(
            refusal(server.raw_authorized(path, &both).await),
            "Unauthenticated TOKEN_INVALID"
        );
        // The server does not read `authorization-bin`, so it is no second credential, good or bad.
        let beside = [("authorization", "Bearer x"), ("authorization-bin", good.as_str())];
        assert_eq!(refusal(server.raw(path, &beside, &[]).await), "Unauthenticated TOKEN_INVALID");
        let beside = [("authorization", good.as_str()), ("authorization-bin", "Bearer x")];
        // ListUsers accepts an empty message.
        let let_in = server
            .raw(path, &beside, &[])
            .await
            .map_or_else(|status| refusal::<()>(Err(status)), |_| "OK".to_owned());
        assert!(
            let_in == "OK" || let_in.starts_with("InvalidArgument REQUEST_INVALID"),
            "{path} {let_in}"
        );
    }
}

#[tokio::test]
async fn the_scheme_is_bearer_in_any_case_and_nothing_else() {
    let server = TestServer::start().await;
    let path = "/identitylink.v1.IdentityService/GetUser";
    let token = Token::of("services", "backend").sign();

    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let outcome = server.raw_authorized(path, &format!("{scheme} {token}")).await;
        assert!(refusal(outcome).starts_with("InvalidArgument REQUEST_INVALID"), "{scheme}");
    }
    for authorization in [
        token.clone(),
        format!("Basic {token}"),
        format!("DPoP {token}"),
        format!("Bearer{token}"),
        format!("Bearer: {token}"),
        format!("Bearer\t{token}"),
        format!("Token Bearer {token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ] {
        let outcome = server.raw_authorized(path, &authorization).await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{authorization}");
    }
}

/// J26: a token that is longer than all headers together may be is refused before the server looks
/// for a token.
#[tokio::test]
async fn a_token_longer_than_the_headers_may_be_is_refused_by_the_transport() {
    let server = TestServer::start().await;
    let user = server.service().create("github", "h1").await;
    let path = "/identitylink.v1.IdentityService/GetUser";

    let good = Token::of("github", "h1").with("padding", "x".repeat(52 * 1024)).sign();
    assert_eq!(refusal(server.raw_authorized(path, &format!("Bearer {good}")).await), "Unknown -");

    assert_eq!(server.person("github", "h1").user("").await, user, "on the same connection");
}
