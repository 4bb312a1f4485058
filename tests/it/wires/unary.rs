//! Calls with one message each way.

use http::StatusCode;
use http_body_util::Full;
use hyper::body::Bytes;
use identity_link::grpc::proto as pb;
use prost::Message as _;
use serde_json::json;

use super::*;
use crate::support::{
    child::temp_dir,
    cluster::cluster,
    object, refusal,
    tls::{Authority, TlsClient, tls_toml},
    wires::{FORMS, Form, whole},
};

fn find() -> (pb::FindByEmailRequest, &'static str) {
    let request = pb::FindByEmailRequest { email: "ann@example.com".into(), ..Default::default() };
    (request, r#"{"email":"ann@example.com"}"#)
}

async fn create_ann(server: &TestServer) -> pb::User {
    let with_email = |request: &mut pb::CreateUserRequest| {
        let identity = request.identity.as_mut().unwrap();
        identity.profile_data = object(json!({"name": "Ann"}));
        identity.email = "ann@example.com".to_owned();
        identity.email_verified = true;
    };
    server.service().create_with("github", "ann", with_email).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_finds_the_same_user_over_both_versions_of_http() {
    let server = TestServer::start().await;
    let ann = create_ann(&server).await;
    let (message, json) = find();

    for version in BOTH {
        let client = backend(&server, version);
        for form in FORMS.into_iter().chain([Form::ConnectGet]) {
            if !form.goes_over(version) {
                continue;
            }
            let found = client.call(form, FIND, &message, json).await.unwrap();
            if form == Form::ConnectJson {
                let found: Value = serde_json::from_slice(&found).unwrap();
                assert_eq!(found["matches"][0]["user"]["id"], ann.id.as_str());
                continue;
            }
            let found = pb::FindByEmailResponse::decode(&*found).unwrap();
            assert_eq!(found.matches[0].user.as_ref().unwrap().id, ann.id, "{form:?} {version:?}");
        }
    }
}

/// What a person tries first, with nothing configured.
#[tokio::test(flavor = "multi_thread")]
async fn a_post_of_json_is_a_call() {
    let server = TestServer::start().await;
    create_ann(&server).await;
    let found = backend(&server, Version::HTTP_11).send(post(FIND, find().1)).await;
    assert_eq!(found.status(), StatusCode::OK);
    assert_eq!(header(&found, "content-type"), "application/json");
    assert_eq!(header(&found, "content-length"), found.body().len().to_string());
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "-"),
        ("grpc-status", "-"),
        ("access-control-allow-origin", "-"),
    ] {
        assert_eq!(header(&found, name), value, "{name}");
    }
    let mut user = json_of(&found)["matches"][0]["user"].clone();
    for changing in ["id", "createTime", "updateTime", "version"] {
        assert!(user.as_object_mut().unwrap().remove(changing).is_some(), "{changing}: {user}");
    }
    assert_eq!(user["identities"][0]["email"], "ann@example.com", "{user}");
}

/// G32: a refusal has the same code, reason and violations in each form, and the status of HTTP that
/// Connect's document has for its code.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_same_in_each_form() {
    let limits = "[rate_limits.users]\nwrites = \"1/h\"\n";
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| toml + limits).await;
    let ann = Token::of("github", "ann");
    let limited = with_token(&server, Version::HTTP_2, &ann);
    let nothing = pb::UpdateUserRequest::default();
    let update = "/identitylink.v1.IdentityService/UpdateUser";
    // Uses the limit up.
    let _ = limited.call(Form::Grpc, update, &nothing, "{}").await;
    let bad = pb::CreateUserRequest {
        identity: Some(pb::NewIdentity::default()),
        request_id: "no uuid".into(),
        ..Default::default()
    };
    let bad_json = r#"{"identity":{},"requestId":"no uuid"}"#;
    let get = pb::GetUserRequest { user_id: "x".into() };
    let get_json = r#"{"userId":"x"}"#;

    for version in BOTH {
        let service = backend(&server, version);
        let stranger = stranger(&server, version);
        let weak = Token::of("services", "backend").with("scope", "");
        let weak = with_token(&server, version, &weak);
        let limited = WireClient { version, ..limited.clone() };
        for form in FORMS.into_iter().filter(|form| form.goes_over(version)) {
            let got = [
                stranger.send(form.request(GET, &get, get_json)).await,
                weak.send(form.request(GET, &get, get_json)).await,
                service.send(form.request(GET, &get, get_json)).await,
                service.send(form.request(CREATE, &bad, bad_json)).await,
                limited.send(form.request(update, &nothing, "{}")).await,
                service
                    .send(form.request("/identitylink.v1.IdentityService/No", &nothing, "{}"))
                    .await,
            ];
            let refusals = got.each_ref().map(|got| refusal(form.outcome(got))).join("\n");
            insta::allow_duplicates! {
                insta::assert_snapshot!(refusals, @r"
                Unauthenticated TOKEN_MISSING
                PermissionDenied SCOPE_INSUFFICIENT
                NotFound USER_NOT_FOUND
                InvalidArgument REQUEST_INVALID
                request_id: must be a UUID other than the one with only zeros
                identity.identity_ref: is required
                ResourceExhausted RATE_LIMITED
                Unimplemented RPC_UNKNOWN
                ");
            }
            let delay =
                tonic_types::StatusExt::get_details_retry_info(&form.outcome(&got[4]).unwrap_err());
            assert!(delay.unwrap().retry_delay.unwrap().as_secs() > 3000);
            if [Form::Connect, Form::ConnectJson].contains(&form) {
                let statuses = got.each_ref().map(|got| got.status().as_u16());
                assert_eq!(statuses, [401, 403, 404, 400, 429, 501]);
                assert_eq!(header(&got[0], "www-authenticate"), "Bearer");
                assert!(header(&got[4], "retry-after").parse::<u32>().unwrap() > 3000);
                assert!(got.iter().all(|got| header(got, "content-type") == "application/json"));
            }
            assert!(
                form == Form::Grpc
                    || got.iter().all(|got| header(got, "cache-control") == "no-store")
            );
        }
    }
}

/// A client of TLS that offers HTTP/1.1 alone, or nothing.
#[tokio::test(flavor = "multi_thread")]
async fn over_tls_a_call_goes_over_what_the_client_offers() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&database.name);
    let ours = Authority::new("ours");
    ours.issue().write(&dir);
    let server = TestServer::start_with(database, |toml| toml + &tls_toml(&dir)).await;
    let tls = TlsClient::new(&ours, None);
    for (offer, version) in [
        (&[&b"h2"[..]][..], Version::HTTP_2),
        (&[b"http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let stream = tls.offering(offer).connect(server.address).await.unwrap();
        let request = post(FIND, find().1).map(Full::new);
        let found = backend(&server, version).begin_over(stream, request).await;
        let found = whole(found).await;
        assert_eq!(line(&found), "200 application/json {}");
        assert_eq!(header(&found, "strict-transport-security"), "max-age=31536000");
    }
}

/// A chunked body, an empty one, and one that says its length.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_come_with_and_without_its_length() {
    let server = TestServer::start().await;
    create_ann(&server).await;
    let (message, json) = find();
    for version in BOTH {
        for (form, body) in
            [(Form::Connect, message.encode_to_vec()), (Form::ConnectJson, json.into())]
        {
            let pieces = body
                .chunks(3)
                .map(Bytes::copy_from_slice)
                .map(|piece| Ok::<_, std::convert::Infallible>(hyper::body::Frame::data(piece)));
            let pieces: Vec<_> = pieces.collect();
            let chunked = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
            let request = form.request(FIND, &message, json).map(|_| chunked);
            let found = whole(backend(&server, version).begin(request).await).await;
            assert_eq!(found.status(), StatusCode::OK, "{found:?}");
            assert!(found.body().len() > 100, "{found:?}");
        }
        // No bytes are a message of protobuf without fields.
        let empty = Form::Connect.request(FIND, &pb::FindByEmailRequest::default(), "");
        let refused = backend(&server, version).send(empty).await;
        let refused = refusal(Form::Connect.outcome(&refused));
        insta::allow_duplicates! { insta::assert_snapshot!(refused, @r"
            InvalidArgument REQUEST_INVALID
            email: The email address does not have exactly one @.
            "); }
    }
}
