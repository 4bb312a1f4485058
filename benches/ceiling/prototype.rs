//! The plain prototype: `GetUser` by tonic and tokio-postgres with a pool, without a token, without
//! rules, without a log.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request, routing::post};
use identity_link::grpc::proto as pb;
use identity_link_test_support::{identity_ref, object};
use prost_types::{Struct, Timestamp};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_postgres::{Client, NoTls, Row, Statement};
use tonic::{
    Response, Status,
    server::{Grpc, UnaryService},
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use super::scripts::PROTOTYPE;

/// As many as the service has by default.
const CONNECTIONS: usize = 8;

#[derive(Clone)]
struct Prototype {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<(Client, Statement)>>>,
}

impl UnaryService<pb::GetUserRequest> for Prototype {
    type Response = pb::GetUserResponse;
    type Future = std::pin::Pin<
        Box<dyn Future<Output = Result<Response<pb::GetUserResponse>, Status>> + Send>,
    >;

    fn call(&mut self, request: tonic::Request<pb::GetUserRequest>) -> Self::Future {
        let Self { free, idle } = self.clone();
        Box::pin(async move {
            let _permit = free.acquire().await.unwrap();
            let (client, statement) = idle.lock().unwrap().pop().unwrap();
            let rows = client.query(&statement, &[&request.get_ref().user_id]).await.unwrap();
            idle.lock().unwrap().push((client, statement));
            let user = user(&rows).ok_or_else(|| Status::not_found("no such user"))?;
            Ok(Response::new(pb::GetUserResponse { user: Some(user) }))
        })
    }
}

/// A user from its rows, one for each identity.
fn user(rows: &[Row]) -> Option<pb::User> {
    let row = rows.first()?;
    Some(pb::User {
        id: row.get(0),
        version: row.get(1),
        user_metadata: json(row, 2),
        app_metadata: json(row, 3),
        profile_overrides: json(row, 4),
        blocked: row.get(5),
        create_time: time(row, 6),
        update_time: time(row, 7),
        identities: rows.iter().map(identity).collect(),
        ..Default::default()
    })
}

fn identity(row: &Row) -> pb::Identity {
    pb::Identity {
        identity_ref: identity_ref(row.get(8), row.get(9)),
        connection: row.get(10),
        social: row.get(11),
        email: row.get(12),
        email_verified: row.get(13),
        profile_data: json(row, 14),
        attach_time: time(row, 15),
        origin_user_id: row.get(16),
        ..Default::default()
    }
}

fn json(row: &Row, column: usize) -> Option<Struct> {
    object(serde_json::from_str(row.get(column)).unwrap())
}

fn time(row: &Row, column: usize) -> Option<Timestamp> {
    let micros: i64 = row.get(column);
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap();
    Some(Timestamp { seconds: micros.div_euclid(1_000_000), nanos })
}

/// Serves until it is killed.
#[tokio::main]
pub(super) async fn serve(url: &str) {
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let statement = client.prepare(PROTOTYPE).await.unwrap();
        idle.push((client, statement));
    }
    let prototype =
        Prototype { free: Arc::new(Semaphore::new(CONNECTIONS)), idle: Arc::new(Mutex::new(idle)) };
    let get_user = move |request: Request| async move {
        Ok::<_, Infallible>(Grpc::new(ProstCodec::default()).unary(prototype, request).await)
    };
    let router = Router::new().route("/identitylink.v1.IdentityService/GetUser", post(get_user));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    eprintln!("{}", serde_json::json!({"message": "serving", "address": address.to_string()}));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_routes(Routes::from(router)).serve_with_incoming(incoming).await.unwrap();
}
