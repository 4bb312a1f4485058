//! Stored responses of requests with an id, so that a retry gets the first response.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Binary, Nullable, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{Session, StoreError, cached::Cached, erasures::concerns_deleted, writes::Expected};
use crate::domain::{UserId, UserRef};

/// A request with an id, in the tenant of its session.
#[derive(Debug, Clone)]
pub struct IdentifiedRequest {
    /// The id that the caller chose.
    pub id: Uuid,
    /// The name of the rpc.
    pub rpc: &'static str,
    /// The kind of caller, `user` or `service`: one issuer may issue tokens of both kinds to one
    /// subject.
    pub caller_kind: &'static str,
    /// The issuer of the caller's token.
    pub issuer: String,
    /// The caller, as that issuer names it.
    pub subject: String,
    /// Distinguishes the request from others with the same id.
    pub fingerprint: [u8; 32],
}

/// The response that is stored under a request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredResponse {
    /// The encoded response to this same request.
    Same(Vec<u8>),
    /// The id belongs to another request.
    Other,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Binary)]
    fingerprint: Vec<u8>,
    #[diesel(sql_type = Binary)]
    answer: Vec<u8>,
}

impl IdentifiedRequest {
    /// Whether the response stored under this id belongs to this request.
    pub(super) fn compare(&self, fingerprint: &[u8], answer: Vec<u8>) -> StoredResponse {
        if fingerprint == self.fingerprint {
            StoredResponse::Same(answer)
        } else {
            StoredResponse::Other
        }
    }
}

impl Session {
    /// The response stored under the id of this session's request; `None` without one.
    /// [`Session::look_up`] reads it too.
    pub async fn stored_response(&mut self) -> Result<Option<StoredResponse>, StoreError> {
        // The database's clock, which all servers share.
        const SQL: &str = concat!(
            "SELECT r.fingerprint, r.answer FROM (SELECT * FROM request_ids WHERE tenant_id = $1 AND rpc = $2 \
            AND caller_kind = $3 AND issuer = $4 AND subject = $5 AND request_id = $6 LIMIT 1) r \
            WHERE r.expire_time > now() AND NOT ",
            concerns_deleted!("r")
        );
        let Some(request) = &self.request else { return Ok(None) };
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(request.rpc)
            .bind::<Text, _>(request.caller_kind)
            .bind::<Text, _>(&request.issuer)
            .bind::<Text, _>(&request.subject)
            .bind::<SqlUuid, _>(request.id);
        let row: Option<Row> = self.conn.load_one("stored_response", Cached(query)).await?;
        Ok(row.map(|row| request.compare(&row.fingerprint, row.answer)))
    }

    /// Stores the response to this session's request for a day, for the user that the caller is
    /// now. Does nothing if the request has no id. `concerned` are the users and identities in the
    /// response. The transaction does not commit if a response is stored under the id already.
    pub fn insert_response(&mut self, answer: Vec<u8>, concerned: &[UserRef]) {
        const SQL: &str = concat!(
            "INSERT INTO request_ids AS r \
              (tenant_id, rpc, caller_kind, issuer, subject, request_id, fingerprint, answer, concerned, \
              caller_user_id, expire_time) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + interval '24 hours') \
            ON CONFLICT ON CONSTRAINT request_ids_pkey DO UPDATE SET fingerprint = excluded.fingerprint, \
              answer = excluded.answer, concerned = excluded.concerned, \
              caller_user_id = excluded.caller_user_id, expire_time = excluded.expire_time \
            WHERE r.expire_time <= now() OR ",
            concerns_deleted!("r")
        );
        let Some(request) = &self.request else { return };
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(request.rpc)
            .bind::<Text, _>(request.caller_kind)
            .bind::<Text, _>(request.issuer.clone())
            .bind::<Text, _>(request.subject.clone())
            .bind::<SqlUuid, _>(request.id)
            .bind::<Binary, _>(request.fingerprint.to_vec())
            .bind::<Binary, _>(answer)
            .bind::<Array<Text>, _>(texts(concerned))
            .bind::<Nullable<Text>, _>(self.caller.as_ref().map(UserId::to_string));
        self.write(
            "insert_response",
            Cached(query),
            Expected::Unless(1, "a response is stored under the request id"),
        );
    }
}

/// Users and identities in one list. If a user id reads like an identity, a deletion only erases
/// more.
fn texts(names: &[UserRef]) -> Vec<String> {
    let text = |name: &UserRef| match name {
        UserRef::UserId(id) => id.to_string(),
        UserRef::Identity(identity) => identity.to_string(),
    };
    names.iter().map(text).collect()
}
