//! The server's cost of a call by Auth0's HTTP, compared with the gRPC call on which it stands: CPU
//! time of the server process, both over HTTP/2, in turns in one run. Prints ratios.
//! `cargo bench --bench auth0`

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::net::SocketAddr;

use futures_util::future::join_all;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity_link::grpc::proto as pb;
use identity_link_test_support::{
    auth0::AUTH0, child::Running, cluster::cluster, object, tokens::Token,
};
use prost::Message;
use prost_types::{FieldMask, Struct, Value as PbValue, value::Kind};
use serde_json::{Value, json};
use tokio::net::TcpStream;

const ROUNDS: usize = 9;
const LANES: usize = 64;

/// A call in both forms, for the users of one lane.
struct Pair {
    name: &'static str,
    calls: usize,
    grpc: fn(&str, usize) -> Vec<Request<Bytes>>,
    http: fn(&str, usize) -> Vec<Request<Bytes>>,
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` passes this argument: then nothing is measured.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let database = cluster().db_migrated().await;
    let (server, address) = Running::serve(&database, |toml| toml + AUTH0);
    let client = Client::to(address).await;
    for lane in 0..LANES {
        for (provider, user) in
            [("google-oauth2", &main_account(lane)), ("sms", &format!("s{lane}"))]
        {
            client.send(create(provider, user, &metadata())).await;
        }
    }
    let pairs = [
        Pair { name: "read a user", calls: 4000, grpc: read_grpc, http: read_http },
        Pair { name: "find by email", calls: 4000, grpc: find_grpc, http: find_http },
        Pair { name: "create a user", calls: 1280, grpc: create_grpc, http: create_http },
        Pair { name: "change metadata", calls: 1600, grpc: change_grpc, http: change_http },
        Pair { name: "link and unlink", calls: 640, grpc: link_grpc, http: link_http },
    ];
    println!("server CPU of a call by HTTP, as a multiple of the gRPC call that it stands on:");
    for pair in pairs {
        let mut ratios = Vec::new();
        for round in 0..=ROUNDS {
            let grpc = cost(&server, &client, pair.calls, pair.grpc).await;
            let http = cost(&server, &client, pair.calls, pair.http).await;
            // The first round is for warming up.
            if round > 0 {
                ratios.push(http / grpc);
            }
        }
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        println!(
            "  {:<16} {:>5.2}  ({least:.2} to {most:.2})",
            pair.name,
            ratios[ratios.len() / 2]
        );
    }
}

/// The server's CPU time for this number of calls, in seconds.
async fn cost(
    server: &Running,
    client: &Client,
    calls: usize,
    call: fn(&str, usize) -> Vec<Request<Bytes>>,
) -> f64 {
    let before = server.cpu();
    let lanes = (0..LANES).map(|lane| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..calls / LANES {
                for request in call(&main_account(lane), lane) {
                    client.send(request).await;
                }
            }
        })
    });
    for lane in join_all(lanes).await {
        lane.unwrap();
    }
    server.cpu() - before
}

fn main_account(lane: usize) -> String {
    format!("1150154013433871926{lane:02}")
}

#[derive(Clone)]
struct Client {
    sender: SendRequest<Full<Bytes>>,
    authorization: String,
}

impl Client {
    async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self {
            sender,
            authorization: format!("Bearer {}", Token::of("services", "backend").sign()),
        }
    }

    async fn send(&self, mut request: Request<Bytes>) {
        request.headers_mut().insert("authorization", self.authorization.parse().unwrap());
        let answer = self.sender.clone().send_request(request.map(Full::new)).await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        let refused = answer.headers().get("grpc-status").cloned();
        assert_eq!(refused, None, "{:?}", answer.headers());
        answer.into_body().collect().await.unwrap();
    }
}

fn grpc(rpc: &str, message: &impl Message) -> Request<Bytes> {
    let mut body = vec![0];
    body.extend(u32::try_from(message.encoded_len()).unwrap().to_be_bytes());
    message.encode(&mut body).unwrap();
    let request = Request::post(format!("http://localhost/identitylink.v1.IdentityService/{rpc}"));
    let request = request.header("content-type", "application/grpc").header("te", "trailers");
    request.body(body.into()).unwrap()
}

fn http(method: Method, path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(format!("http://localhost/api/v2{path}"));
    if body.is_null() {
        return request.body(Bytes::new()).unwrap();
    }
    request.header("content-type", "application/json").body(body.to_string().into()).unwrap()
}

/// The profile of the accounts in Auth0's documents.
fn profile() -> Value {
    json!({
        "name": "John Doe", "given_name": "John", "family_name": "Doe",
        "picture": "https://lh3.googleusercontent.com/a-/photo.jpg",
    })
}

/// The metadata of the users in Auth0's documents.
fn metadata() -> Value {
    json!({"color": "red", "addresses": {"home": "123 Main Street", "work": "100 Industrial Way"}})
}

fn create(provider: &str, subject: &str, user_metadata: &Value) -> Request<Bytes> {
    let mut body = profile();
    body["connection"] = provider.into();
    body["user_id"] = subject.into();
    body["email"] = format!("{subject}@example.com").into();
    body["email_verified"] = true.into();
    body["user_metadata"] = user_metadata.clone();
    http(Method::POST, "/users", &body)
}

fn create_http(_: &str, _: usize) -> Vec<Request<Bytes>> {
    vec![create("sms", &fresh(), &metadata())]
}

fn create_grpc(_: &str, _: usize) -> Vec<Request<Bytes>> {
    let subject = fresh();
    let identity = pb::NewIdentity {
        email: format!("{subject}@example.com"),
        email_verified: true,
        profile_data: object(profile()),
        identity_ref: Some(pb::IdentityRef { provider: "sms".to_owned(), subject }),
        ..pb::NewIdentity::default()
    };
    let user_metadata = object(metadata());
    vec![grpc(
        "CreateUser",
        &pb::CreateUserRequest { identity: Some(identity), user_metadata, ..Default::default() },
    )]
}

fn user_id(account: &str) -> String {
    format!("google-oauth2|{account}")
}

fn identity(lane: usize) -> Option<pb::IdentityRef> {
    Some(pb::IdentityRef { provider: "sms".to_owned(), subject: format!("s{lane}") })
}

fn read_grpc(account: &str, _: usize) -> Vec<Request<Bytes>> {
    vec![grpc("GetUser", &pb::GetUserRequest { user_id: user_id(account) })]
}

fn read_http(account: &str, _: usize) -> Vec<Request<Bytes>> {
    vec![http(Method::GET, &format!("/users/google-oauth2%7C{account}"), &Value::Null)]
}

fn find_grpc(account: &str, _: usize) -> Vec<Request<Bytes>> {
    let email = format!("{account}@example.com");
    vec![grpc(
        "FindByEmail",
        &pb::FindByEmailRequest {
            email,
            include_unverified: true,
            ..pb::FindByEmailRequest::default()
        },
    )]
}

fn find_http(account: &str, _: usize) -> Vec<Request<Bytes>> {
    vec![http(Method::GET, &format!("/users-by-email?email={account}%40example.com"), &Value::Null)]
}

/// A different value each time; otherwise nothing would be written.
fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn change_grpc(account: &str, _: usize) -> Vec<Request<Bytes>> {
    let value = PbValue { kind: Some(Kind::StringValue(fresh())) };
    let metadata = Struct { fields: [("color".to_owned(), value)].into() };
    let update = pb::UserUpdate { user_metadata: Some(metadata), ..pb::UserUpdate::default() };
    let request = pb::UpdateUserRequest {
        user_id: user_id(account),
        update: Some(update),
        update_mask: Some(FieldMask { paths: vec!["user_metadata".to_owned()] }),
        ..pb::UpdateUserRequest::default()
    };
    vec![grpc("UpdateUser", &request)]
}

fn change_http(account: &str, _: usize) -> Vec<Request<Bytes>> {
    let body = json!({"user_metadata": {"color": fresh()}});
    vec![http(Method::PATCH, &format!("/users/google-oauth2%7C{account}"), &body)]
}

fn link_grpc(account: &str, lane: usize) -> Vec<Request<Bytes>> {
    let link = pb::LinkRequest {
        user_id: user_id(account),
        secondary: identity(lane).map(pb::link_request::Secondary::Identity),
        ..pb::LinkRequest::default()
    };
    let unlink = pb::UnlinkRequest {
        user_id: user_id(account),
        identity: identity(lane),
        metadata: pb::UnlinkMetadata::Discard.into(),
        ..pb::UnlinkRequest::default()
    };
    vec![grpc("Link", &link), grpc("Unlink", &unlink)]
}

fn link_http(account: &str, lane: usize) -> Vec<Request<Bytes>> {
    let path = format!("/users/google-oauth2%7C{account}/identities");
    let link =
        http(Method::POST, &path, &json!({"provider": "sms", "user_id": format!("s{lane}")}));
    vec![link, http(Method::DELETE, &format!("{path}/sms/s{lane}"), &Value::Null)]
}
