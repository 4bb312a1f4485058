//! The writes: the statements of the service, sent together where the service sends them together,
//! without the decisions between them. Responses have nothing in them.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use futures_util::future::try_join_all;
use identity_link::grpc::proto as pb;
use pb::link_request::Secondary;
use tokio_postgres::{Client, Statement, types::ToSql};
use tonic::Status;

use super::Prototype;

/// The variables of the scripts. A cast follows each: `:p::text`.
const VARIABLES: [&str; 3] = [":p::", ":s::", ":l::"];

/// The statements of one write, grouped by what is sent together.
pub(super) struct Write(Vec<Vec<Sent>>);

/// A statement, and which variables are its parameters.
struct Sent {
    statement: Statement,
    variables: Vec<usize>,
}

/// The values of the variables.
type Values = [String; 3];

/// The links that stand, by the primary user.
#[derive(Default)]
pub(super) struct Links {
    made: AtomicU64,
    standing: Mutex<HashMap<String, String>>,
}

impl Write {
    /// The write with these statements of a script.
    pub(super) async fn prepare(client: &Client, statements: &[String]) -> Self {
        let mut groups: Vec<Vec<Sent>> = Vec::new();
        let mut awaited = true;
        for sql in statements {
            let is_read = sql.starts_with("SELECT");
            // Writes depend on what was read, and COMMIT on what was written.
            if groups.is_empty() || !is_read && (awaited || sql == "COMMIT") {
                groups.push(Vec::new());
            }
            awaited = is_read;
            groups.last_mut().unwrap().push(Sent::prepare(client, sql).await);
        }
        Self(groups)
    }

    async fn execute(&self, client: &Client, values: &Values) {
        for group in &self.0 {
            let sent = group.iter().map(async |Sent { statement, variables }| {
                let parameters = variables.iter().map(|at| &values[*at] as &(dyn ToSql + Sync));
                client.query(statement, &parameters.collect::<Vec<_>>()).await
            });
            try_join_all(sent).await.unwrap();
        }
    }
}

impl Sent {
    async fn prepare(client: &Client, sql: &str) -> Self {
        let (mut sql, mut variables) = (sql.to_owned(), Vec::new());
        for (at, variable) in VARIABLES.into_iter().enumerate() {
            if sql.contains(variable) {
                variables.push(at);
                sql = sql.replace(variable, &format!("${}::text::", variables.len()));
            }
        }
        Self { statement: client.prepare(&sql).await.unwrap(), variables }
    }
}

impl Links {
    /// A number that no other link has, in twelve digits.
    fn next(&self) -> String {
        (100_000_000_000 + self.made.fetch_add(1, Relaxed)).to_string()
    }
}

pub(super) async fn link(
    prototype: Prototype,
    request: pb::LinkRequest,
) -> Result<pb::LinkResponse, Status> {
    let Some(Secondary::Identity(secondary)) = request.secondary else {
        return Err(Status::unimplemented("links users by identity only"));
    };
    let (primary, link) = (request.user_id, prototype.links.next());
    prototype.links.standing.lock().unwrap().insert(primary.clone(), link.clone());
    let values = [primary, secondary.subject, link];
    prototype.with_connection(async |on| on.link.execute(&on.client, &values).await).await;
    Ok(pb::LinkResponse::default())
}

pub(super) async fn unlink(
    prototype: Prototype,
    request: pb::UnlinkRequest,
) -> Result<pb::UnlinkResponse, Status> {
    let primary = request.user_id;
    let link = prototype.links.standing.lock().unwrap().remove(&primary).unwrap();
    let values = [primary, request.identity.unwrap().subject, link];
    prototype.with_connection(async |on| on.unlink.execute(&on.client, &values).await).await;
    Ok(pb::UnlinkResponse::default())
}

pub(super) async fn create_user(
    prototype: Prototype,
    request: pb::CreateUserRequest,
) -> Result<pb::CreateUserResponse, Status> {
    let subject = request.identity.unwrap().identity_ref.unwrap().subject;
    let values = [subject, String::new(), prototype.links.next()];
    prototype.with_connection(async |on| on.create_user.execute(&on.client, &values).await).await;
    Ok(pb::CreateUserResponse::default())
}
