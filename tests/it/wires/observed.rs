//! The log and the metrics say in which form a call came.

use http_body_util::Full;
use identity_link::grpc::proto as pb;

use super::*;
use crate::{
    management::serving,
    metrics::{scraped, series},
    support::{
        cluster::cluster,
        wires::{FORMS, Form, frame, whole},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_the_form_of_a_call() {
    let change = |toml: String| format!("allowed_origins = [\"https://app.example.com\"]\n{toml}");
    let (mut child, management, address) = serving(&cluster().db_migrated().await, change);
    let token = Token::of("services", "backend").sign();
    let client = WireClient { address, version: Version::HTTP_2, token: Some(token) };
    let find = pb::FindByEmailRequest { email: "a@example.com".into(), ..Default::default() };
    let mut lines = Vec::new();
    let mut requests: Vec<Request<Bytes>> = FORMS
        .into_iter()
        .chain([Form::ConnectGet])
        .map(|form| form.request(FIND, &find, r#"{"email":"a@example.com"}"#))
        .collect();
    requests.push(post(FIND, "{"));
    requests.push(Request::put(FIND).body(Bytes::new()).unwrap());
    let watch = Request::post(WATCH).header("content-type", "application/connect+json");
    requests.push(watch.body(frame(0, b"{}").into()).unwrap());
    let asked = Request::options(FIND)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST");
    requests.push(asked.body(Bytes::new()).unwrap());
    for request in requests {
        whole(client.begin(request.map(Full::new)).await).await;
        let said = child.stderr_until(|line| line.contains("identity_link::call"));
        let said: Value = serde_json::from_str(&said).unwrap();
        let fields =
            ["wire", "rpc", "caller", "code", "reason"].map(|key| said[key].as_str().unwrap());
        lines.push(fields.join(" "));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
        grpc identitylink.v1.IdentityService/FindByEmail service Ok 
        grpc-web identitylink.v1.IdentityService/FindByEmail service Ok 
        grpc-web identitylink.v1.IdentityService/FindByEmail service Ok 
        connect identitylink.v1.IdentityService/FindByEmail service Ok 
        connect-json identitylink.v1.IdentityService/FindByEmail service Ok 
        connect identitylink.v1.IdentityService/FindByEmail service Ok 
        connect-json identitylink.v1.IdentityService/FindByEmail service InvalidArgument REQUEST_INVALID
        http identitylink.v1.IdentityService/FindByEmail none Unknown 
        connect-json identitylink.v1.EventService/WatchEvents service InvalidArgument REQUEST_INVALID
        http identitylink.v1.IdentityService/FindByEmail none Ok
        ");

    let (_, text) = scraped(management, "text/plain").await;
    let series = series(&text);
    let count = |wire: &str| -> f64 {
        let wire = format!("wire=\"{wire}\"");
        let of_calls =
            |name: &&str| name.starts_with("identity_link_calls_total{") && name.contains(&wire);
        series.iter().filter(|(name, _)| of_calls(name)).map(|(_, value)| value).sum()
    };
    let counts = ["grpc", "grpc-web", "connect", "connect-json", "http"].map(count);
    assert_eq!(counts, [1.0, 2.0, 2.0, 3.0, 2.0]);
}
