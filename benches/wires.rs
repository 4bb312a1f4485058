//! The server's cost of a look-up in each form in which a call comes over the wire, as a multiple of
//! gRPC: CPU time of the server process, all over HTTP/2, in turns in one run. Prints ratios.
//! `cargo bench --bench wires`

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::net::SocketAddr;

use futures_util::future::join_all;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity_link::grpc::proto as pb;
use identity_link_test_support::{
    Caller, child::Running, cluster::cluster, object, tokens::Token, wires::Form,
};
use serde_json::json;
use tokio::net::TcpStream;
use tonic::transport::Endpoint;

const ROUNDS: usize = 9;
const LANES: usize = 64;
const CALLS: usize = 4000;
const FIND: &str = "/identitylink.v1.IdentityService/FindByEmail";
/// gRPC first: the others are its multiples.
const FORMS: [(&str, Form); 6] = [
    ("gRPC", Form::Grpc),
    ("gRPC-Web", Form::GrpcWeb),
    ("gRPC-Web as text", Form::GrpcWebText),
    ("Connect", Form::Connect),
    ("Connect by GET", Form::ConnectGet),
    ("JSON", Form::ConnectJson),
];

#[tokio::main]
async fn main() {
    // `cargo test --benches` passes this argument: then nothing is measured.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let rounds = if arguments.iter().any(|argument| argument == "--short") { 1 } else { ROUNDS };
    let database = cluster().db_migrated().await;
    let (server, address) = Running::serve(&database, |toml| toml);
    let token = Token::of("services", "backend").sign();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(token.clone()));
    for lane in 0..LANES {
        let with_email = |request: &mut pb::CreateUserRequest| {
            let identity = request.identity.as_mut().unwrap();
            identity.profile_data = object(
                json!({"name": "John Doe", "picture": "https://lh3.example.com/a-/photo.jpg"}),
            );
            identity.email = email(lane);
            identity.email_verified = true;
            request.user_metadata = object(
                json!({"color": "red", "addresses": {"home": "123 Main Street", "work": "100 Industrial Way"}}),
            );
        };
        service.create_with("google-oauth2", &lane.to_string(), with_email).await;
    }
    let client = Client::to(address, token).await;
    let mut ratios = vec![Vec::new(); FORMS.len()];
    for round in 0..=rounds {
        let mut costs = Vec::new();
        for (_, form) in FORMS {
            costs.push(cost(&server, &client, form).await);
        }
        // The first round is for warming up.
        if round > 0 {
            for (ratios, cost) in ratios.iter_mut().zip(&costs) {
                ratios.push(cost / costs[0]);
            }
        }
    }
    println!("server CPU of FindByEmail in each form, as a multiple of gRPC:");
    for ((name, _), mut ratios) in FORMS.into_iter().zip(ratios) {
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        println!("  {name:<16} {:>5.2}  ({least:.2} to {most:.2})", ratios[ratios.len() / 2]);
    }
}

/// The server's CPU time for all calls in this form, in seconds.
async fn cost(server: &Running, client: &Client, form: Form) -> f64 {
    let before = server.cpu();
    let lanes = (0..LANES).map(|lane| {
        let client = client.clone();
        tokio::spawn(async move {
            for _ in 0..CALLS / LANES {
                client.find(form, lane).await;
            }
        })
    });
    for lane in join_all(lanes).await {
        lane.unwrap();
    }
    server.cpu() - before
}

fn email(lane: usize) -> String {
    format!("john-{lane}@example.com")
}

#[derive(Clone)]
struct Client {
    sender: SendRequest<Full<Bytes>>,
    authorization: String,
}

impl Client {
    async fn to(address: SocketAddr, token: String) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, authorization: format!("Bearer {token}") }
    }

    async fn find(&self, form: Form, lane: usize) {
        let message = pb::FindByEmailRequest { email: email(lane), ..Default::default() };
        let json = json!({"email": email(lane)}).to_string();
        let mut request: Request<Bytes> = form.request(FIND, &message, &json);
        *request.uri_mut() = format!("http://localhost{}", request.uri()).parse().unwrap();
        request.headers_mut().insert("authorization", self.authorization.parse().unwrap());
        let answer = self.sender.clone().send_request(request.map(Full::new)).await.unwrap();
        let (head, body) = answer.into_parts();
        assert!(head.status.is_success() && !head.headers.contains_key("grpc-status"), "{head:?}");
        assert!(body.collect().await.unwrap().to_bytes().len() > 100);
    }
}
