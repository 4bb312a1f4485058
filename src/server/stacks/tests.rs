//! The stacks around routes that panic, and around routes that respond.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::{ServiceExt as _, layer::util::Identity, service_fn};

use super::*;
use crate::{
    calls::telemetry::CallOutcome,
    telemetry::{Traces, metrics::Metrics},
};

const MAX_CALL_TIME: Duration = Duration::from_secs(60);
/// What a client of Auth0's HTTP gets after an internal fault.
const FAULT: &str = r#"{"statusCode":500,"error":"Internal Server Error","message":"The server failed internally and has logged the cause.","errorCode":"internal"}"#;

fn telemetry(outcome: fn(Option<&Response<Body>>) -> CallOutcome) -> TelemetryLayer {
    TelemetryLayer::new(outcome, Metrics::default().calls, Traces::default())
}

/// The response of these routes behind gRPC's stack, without a gate.
async fn over_grpc(routes: impl CallService<(), Body = Body>) -> Response<Body> {
    let stack = grpc_stack(
        telemetry(status::outcome),
        PagesLayer::new(&[]),
        MAX_CALL_TIME,
        Identity::new(),
        routes,
    );
    stack.oneshot(Request::new(())).await.unwrap()
}

/// The response of these routes behind the stack of Auth0's HTTP.
async fn over_http(routes: impl CallService<(), Body = Body>) -> Response<Body> {
    let limit = ConcurrencyLimit::new(1);
    let stack = auth0_stack(
        &Auth0::default(),
        telemetry(auth0::outcome),
        false,
        MAX_CALL_TIME,
        limit,
        routes,
    );
    stack.oneshot(Request::new(())).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_panic_in_a_call_is_an_internal_fault_of_its_transport() {
    async fn later(_: Request<()>) -> Result<Response<Body>, Infallible> {
        tokio::task::yield_now().await;
        panic!("open-sesame")
    }
    fn at_once(_: Request<()>) -> Ready<Result<Response<Body>, Infallible>> {
        panic!("open-sesame")
    }

    let internal = CallOutcome { code: "Internal".into(), reason: "INTERNAL".into() };
    for response in [over_grpc(service_fn(later)).await, over_grpc(service_fn(at_once)).await] {
        assert_eq!(status::outcome(Some(&response)), internal);
    }
    for response in [over_http(service_fn(later)).await, over_http(service_fn(at_once)).await] {
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key("x-ratelimit-limit"));
        assert_eq!(text(response).await, FAULT);
    }
}

#[tokio::test]
async fn a_response_is_left_as_it_is() {
    let routes = service_fn(|_: Request<()>| {
        let mut response = Response::new(Body::new("gone for good".to_owned()));
        *response.status_mut() = StatusCode::GONE;
        ready(Ok::<_, Infallible>(response))
    });
    for response in [over_grpc(routes).await, over_http(routes).await] {
        assert_eq!(response.status(), StatusCode::GONE);
        assert_eq!(text(response).await, "gone for good");
    }
}
