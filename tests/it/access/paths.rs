//! Paths that are no rpc, and the few that are open without a token (G19).

use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use crate::support::{tokens::Token, *};

const UNKNOWN: [&str; 9] = [
    "/identitylink.v1.IdentityService/Nothing",
    "/identitylink.v1.IdentityService/link",
    "/identitylink.v1.IdentityService/Link/",
    "/identitylink.v1.IdentityService//Link",
    "/identitylink.v1.IdentityService/",
    "/identity.v2.IdentityService/Link",
    "/identitylink.v1.EventService/UnwatchEvents",
    "/grpc.health.v1.Health/Nothing",
    "/",
];

#[tokio::test]
async fn only_a_good_token_learns_that_a_path_is_unknown() {
    let server = TestServer::start().await;
    for path in UNKNOWN {
        assert_eq!(
            refusal(server.raw(path, &[], &[]).await),
            "Unauthenticated TOKEN_MISSING",
            "{path}"
        );
        assert_eq!(
            refusal(server.raw_authorized(path, "Bearer x").await),
            "Unauthenticated TOKEN_INVALID",
            "{path}"
        );
        for token in [Token::of("services", "backend"), Token::of("github", "nobody")] {
            let outcome = server.raw_authorized(path, &format!("Bearer {}", token.sign())).await;
            assert_eq!(refusal(outcome), "Unimplemented RPC_UNKNOWN", "{path}");
        }
    }
}

/// A path that only resembles an rpc's is unknown.
#[tokio::test]
async fn a_path_is_compared_byte_by_byte() {
    let server = TestServer::start().await;
    let authorization = format!("Bearer {}", Token::of("services", "backend").sign());
    for path in [
        "/identitylink.v1.IdentityService/%4cink",
        "/identitylink.v1.IdentityService/./Link",
        "/grpc.health.v1.Health/../../identitylink.v1.IdentityService/Link",
        "/grpc.health.v1.Health/Check/../../../identitylink.v1.IdentityService/Link",
    ] {
        assert_eq!(
            refusal(server.raw(path, &[], &[]).await),
            "Unauthenticated TOKEN_MISSING",
            "{path}"
        );
        assert_eq!(
            refusal(server.raw_authorized(path, &authorization).await),
            "Unimplemented RPC_UNKNOWN",
            "{path}"
        );
    }
}

#[tokio::test]
async fn health_is_open() {
    let server = TestServer::start().await;
    let mut health = HealthClient::new(server.channel());
    for service in ["", "identitylink.v1.IdentityService"] {
        let answer = health
            .check(HealthCheckRequest { service: service.to_owned() })
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    // A bad token closes no path that is open without a token.
    let outcome = server.raw_authorized("/grpc.health.v1.Health/Check", "Bearer x").await;
    assert_eq!(outcome.unwrap(), [8, 1]);
}

#[tokio::test]
async fn reflection_is_open_in_both_versions() {
    let server = TestServer::start().await;

    let mut client = v1::server_reflection_client::ServerReflectionClient::new(server.channel());
    let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { message_request: Some(ask), ..Default::default() };
    let answer =
        client.server_reflection_info(futures_util::stream::iter([request])).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    let Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(listed)) =
        answer.message_response
    else {
        panic!("the response should be a list of services");
    };
    let names: Vec<String> = listed.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"identitylink.v1.IdentityService".to_owned()), "{names:?}");

    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel());
    let ask = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
        "identitylink.v1.IdentityService".into(),
    );
    let request =
        v1alpha::ServerReflectionRequest { message_request: Some(ask), ..Default::default() };
    let answer =
        client.server_reflection_info(futures_util::stream::iter([request])).await.unwrap();
    let answer = answer.into_inner().message().await.unwrap().unwrap();
    assert!(matches!(
        answer.message_response,
        Some(v1alpha::server_reflection_response::MessageResponse::FileDescriptorResponse(_))
    ));
}

/// S06: an operator can switch off what only helps to debug.
#[tokio::test]
async fn reflection_can_be_switched_off() {
    let database = cluster::cluster().db_migrated().await;
    let server =
        TestServer::start_with(database, |toml| format!("reflection = false\n{toml}")).await;

    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        assert_eq!(refusal(server.raw(&path, &[], &[]).await), "Unimplemented RPC_UNKNOWN");
    }
    server.service().create("github", "h1").await;
}
