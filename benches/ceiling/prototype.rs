//! The plain prototype: tonic and tokio-postgres with a pool of connections, without a token, without
//! rules, without a log. It shows what a server with tonic reaches at most if it gathers no calls.

mod reads;
mod writes;

use std::{
    convert::Infallible,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::Request, routing::post};
use prost::Message;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_postgres::{Client, NoTls, Statement};
use tonic::{
    Response, Status,
    server::Grpc,
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::service_fn;

use self::writes::{Links, Write};
use super::{captured::Captured, pgbench};

/// As many as the service has by default.
const CONNECTIONS: usize = 8;

#[derive(Clone)]
struct Prototype {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
    links: Arc<Links>,
}

/// A connection with everything prepared.
struct Connection {
    client: Client,
    get_user: Statement,
    resolve_users: Statement,
    link: Write,
    unlink: Write,
    create_user: Write,
}

impl Connection {
    async fn open(url: &str, captured: &Captured) -> Self {
        let mut config: tokio_postgres::Config = url.parse().unwrap();
        config.options(pgbench::SETTINGS);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        Self {
            get_user: client.prepare(reads::GET_USER).await.unwrap(),
            resolve_users: client.prepare(reads::RESOLVE_USERS).await.unwrap(),
            link: Write::prepare(&client, &captured.link).await,
            unlink: Write::prepare(&client, &captured.unlink).await,
            create_user: Write::prepare(&client, &captured.create).await,
            client,
        }
    }
}

impl Prototype {
    /// Lends a connection.
    async fn with_connection<T>(&self, work: impl AsyncFnOnce(&Connection) -> T) -> T {
        let _permit = self.free.acquire().await.unwrap();
        let connection = self.idle.lock().unwrap().pop().unwrap();
        let result = work(&connection).await;
        self.idle.lock().unwrap().push(connection);
        result
    }
}

/// Serves until it is killed. `captured` is the file with the statements of the writes.
#[tokio::main]
pub(super) async fn serve(url: &str, captured: &Path) {
    let captured = serde_json::from_slice(&fs::read(captured).unwrap()).unwrap();
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(Connection::open(url, &captured).await);
    }
    let prototype = Prototype {
        free: Arc::new(Semaphore::new(CONNECTIONS)),
        idle: Arc::new(Mutex::new(idle)),
        links: Arc::default(),
    };
    let router = Router::new()
        .merge(rpc("GetUser", &prototype, reads::get_user))
        .merge(rpc("ResolveUsers", &prototype, reads::resolve_users))
        .merge(rpc("Link", &prototype, writes::link))
        .merge(rpc("Unlink", &prototype, writes::unlink))
        .merge(rpc("CreateUser", &prototype, writes::create_user));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    eprintln!("{}", serde_json::json!({"message": "serving", "address": address.to_string()}));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder().add_routes(Routes::from(router)).serve_with_incoming(incoming).await.unwrap();
}

/// The route of an rpc.
fn rpc<M, R, F>(
    name: &str,
    prototype: &Prototype,
    handler: impl Fn(Prototype, M) -> F + Copy + Send + Sync + 'static,
) -> Router
where
    M: Message + Default + 'static,
    R: Message + Default + 'static,
    F: Future<Output = Result<R, Status>> + Send + 'static,
{
    let prototype = prototype.clone();
    let call = move |request: Request| {
        let prototype = prototype.clone();
        let service = service_fn(move |request: tonic::Request<M>| {
            let response = handler(prototype.clone(), request.into_inner());
            async { Ok(Response::new(response.await?)) }
        });
        async {
            Ok::<_, Infallible>(Grpc::new(ProstCodec::default()).unary(service, request).await)
        }
    };
    Router::new().route(&format!("/identitylink.v1.IdentityService/{name}"), post(call))
}
