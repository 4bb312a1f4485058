//! The look-ups: one flat statement for each call.

use identity_link::grpc::proto as pb;
use identity_link_test_support::{identity_ref, object};
use pb::resolved_user::State;
use prost_types::{Struct, Timestamp};
use tokio_postgres::Row;
use tonic::Status;

use super::Prototype;

pub(super) const GET_USER: &str = "SELECT u.id, u.version, u.user_metadata::text, u.app_metadata::text, \
      u.profile_overrides::text, u.blocked, (extract(epoch FROM u.create_time) * 1000000)::bigint, \
      (extract(epoch FROM u.update_time) * 1000000)::bigint, i.provider, i.subject, i.connection, i.social, i.email, \
      i.email_verified, i.profile_data::text, (extract(epoch FROM i.attach_time) * 1000000)::bigint, i.home_id \
    FROM users n JOIN users u ON u.tenant_id = n.tenant_id AND u.id = coalesce(n.absorbed_into, n.id) \
    JOIN identities i ON i.tenant_id = u.tenant_id AND i.owner_id = u.id \
    WHERE n.tenant_id = 'default' AND n.id = $1 ORDER BY i.ordinal";
/// Without the tombstones, which the service looks up for ids that no user has.
pub(super) const RESOLVE_USERS: &str = "SELECT q.id, n.id, n.absorbed_into, \
      (extract(epoch FROM n.create_time) * 1000000)::bigint \
    FROM unnest($1::text[]) WITH ORDINALITY AS q(id, position) \
    LEFT JOIN LATERAL (SELECT * FROM users WHERE tenant_id = 'default' AND id = q.id LIMIT 1) n ON true \
    ORDER BY position";

pub(super) async fn get_user(
    prototype: Prototype,
    request: pb::GetUserRequest,
) -> Result<pb::GetUserResponse, Status> {
    prototype
        .with_connection(async |on| {
            let rows = on.client.query(&on.get_user, &[&request.user_id]).await.unwrap();
            let user = user(&rows).ok_or_else(|| Status::not_found("no such user"))?;
            Ok(pb::GetUserResponse { user: Some(user) })
        })
        .await
}

pub(super) async fn resolve_users(
    prototype: Prototype,
    request: pb::ResolveUsersRequest,
) -> Result<pb::ResolveUsersResponse, Status> {
    prototype
        .with_connection(async |on| {
            let rows = on.client.query(&on.resolve_users, &[&request.user_ids]).await.unwrap();
            Ok(pb::ResolveUsersResponse { users: rows.iter().map(resolved).collect() })
        })
        .await
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

fn resolved(row: &Row) -> pb::ResolvedUser {
    let (id, absorbed_into): (Option<String>, Option<String>) = (row.get(1), row.get(2));
    let state = match (&id, &absorbed_into) {
        (None, _) => State::Unknown,
        (Some(_), None) => State::Current,
        (Some(_), Some(_)) => State::Absorbed,
    };
    pb::ResolvedUser {
        requested_id: row.get(0),
        state: state.into(),
        user_id: absorbed_into.or(id).unwrap_or_default(),
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
