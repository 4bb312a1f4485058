//! The states of the users that callers name, for calls that only read.

use std::sync::Arc;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text},
};

use super::{Scope, batch::BatchQuery};
use crate::{
    domain::{IdentityRef, TokenHash, UserId, UserRef, UserState},
    store::{
        StoreError,
        bind::column,
        cached::Cached,
        connection::Connection,
        user_state::{UserStateRow, named_identity, named_user, tombstone, user_state_columns},
    },
};

/// A name of a user.
pub(super) struct NamedUser {
    pub name: UserRef,
    /// The hash of the token that names the user.
    pub token: Option<TokenHash>,
}

impl NamedUser {
    fn identity(&self) -> Option<&IdentityRef> {
        match &self.name {
            UserRef::Identity(identity) => Some(identity),
            UserRef::UserId(_) => None,
        }
    }

    fn user_id(&self) -> Option<&str> {
        match &self.name {
            UserRef::Identity(_) => None,
            UserRef::UserId(id) => Some(UserId::as_str(id)),
        }
    }
}

/// The states of the users that have the names of one caller.
pub(super) struct StatesOfNames(pub Arc<Scope>);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(embed)]
    state: UserStateRow,
}

const SQL: &str = concat!(
    "SELECT q.position, ",
    user_state_columns!("$7", "$8"),
    " FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[]) \
        WITH ORDINALITY AS q(provider, subject, id, tombstone, token, position) ",
    named_identity!(),
    named_user!("coalesce(q.id, i.owner_id)"),
    tombstone!()
);

impl BatchQuery for StatesOfNames {
    type Key = Vec<NamedUser>;
    type Found = Vec<Option<UserState>>;

    const NAME: &'static str = "user_states";

    async fn run(
        &self,
        conn: &mut Connection,
        keys: &[Vec<NamedUser>],
    ) -> Result<Vec<Result<Vec<Option<UserState>>, StoreError>>, StoreError> {
        let Scope { tenant, key, trust } = &*self.0;
        let names: Vec<&NamedUser> = keys.iter().flatten().collect();
        let query = sql_query(SQL)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Array<Nullable<Text>>, _>(column(&names, |named| {
                named.identity().map(|identity| identity.provider.as_str())
            }))
            .bind::<Array<Nullable<Text>>, _>(column(&names, |named| {
                named.identity().map(|identity| identity.subject.as_str())
            }))
            .bind::<Array<Nullable<Text>>, _>(column(&names, |named| named.user_id()))
            .bind::<Array<Binary>, _>(column(&names, |named| {
                key.tombstone_hash(&named.name).to_vec()
            }))
            .bind::<Array<Nullable<Binary>>, _>(column(&names, |named| named.token.map(Vec::from)))
            .bind::<Array<Text>, _>(&trust.sign_in_providers.providers)
            .bind::<Bool, _>(trust.sign_in_providers.at_others);
        let mut rows: Vec<Row> = conn.load(Self::NAME, Cached(query)).await?;
        // The database returns them in this order, but does not promise it.
        rows.sort_by_key(|row| row.position);
        let mut states = rows.into_iter().map(|row| row.state.into_state());
        let of_key = |names: &Vec<NamedUser>| states.by_ref().take(names.len()).collect();
        Ok(keys.iter().map(of_key).collect())
    }
}
