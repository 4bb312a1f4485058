//! Reads that need no transaction: look-ups of users, and of what decides about a caller.

mod batch;
mod ids;
mod states;
mod users;

use std::sync::Arc;

pub(super) use self::users::{users_by_identities, users_by_ids};
use self::{
    batch::Batcher,
    states::{NamedUser, StatesOfNames},
    users::{UserById, UserByIdentity, UsersByEmail},
};
pub use self::{ids::IdState, users::EmailSearch};
use super::{StoreError, TenantKey, connections::TenantConnections, trust::Trust};
use crate::domain::{IdentityRef, TenantId, TokenHash, User, UserId, UserRef, UserState};

/// The tenant of a read, and what decides about its users.
pub(super) struct Scope {
    pub tenant: TenantId,
    pub key: TenantKey,
    pub trust: Arc<Trust>,
}

/// The reads of one tenant. Look-ups of a kind that arrive together share a statement.
pub struct Reads {
    scope: Arc<Scope>,
    connections: TenantConnections,
    by_id: Batcher<UserById>,
    by_identity: Batcher<UserByIdentity>,
    by_email: Batcher<UsersByEmail>,
    states: Batcher<StatesOfNames>,
}

impl Reads {
    /// Reads by these connections, of which the statements of one kind use at most `share` at
    /// once.
    pub(super) fn new(scope: Scope, connections: TenantConnections, share: usize) -> Self {
        let scope = Arc::new(scope);
        Self {
            by_id: Batcher::new(UserById(Arc::clone(&scope)), connections.clone(), share),
            by_identity: Batcher::new(
                UserByIdentity(Arc::clone(&scope)),
                connections.clone(),
                share,
            ),
            by_email: Batcher::new(UsersByEmail(Arc::clone(&scope)), connections.clone(), share),
            states: Batcher::new(StatesOfNames(Arc::clone(&scope)), connections.clone(), share),
            connections,
            scope,
        }
    }

    /// The live user for this id: the user itself, or the one that absorbed it; `None` if no user
    /// has the id.
    pub async fn user_by_id(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.by_id.find(id.clone()).await
    }

    /// The user that owns this identity; `None` if no user does.
    pub async fn user_by_identity(&self, id: &IdentityRef) -> Result<Option<User>, StoreError> {
        self.by_identity.find(id.clone()).await
    }

    /// The users with an identity that has an email, in the order of their ids.
    pub async fn users_by_email(&self, search: EmailSearch) -> Result<Vec<User>, StoreError> {
        self.by_email.find(search).await
    }

    /// The state of the user of each name; `None` where no user has it. `token` is the token that
    /// names the first user.
    pub async fn user_states(
        &self,
        names: Vec<UserRef>,
        token: Option<TokenHash>,
    ) -> Result<Vec<Option<UserState>>, StoreError> {
        let mut token = token;
        let names = names.into_iter().map(|name| NamedUser { name, token: token.take() });
        self.states.find(names.collect()).await
    }

    /// What became of each of these user ids.
    pub async fn id_states(&self, ids: &[UserId]) -> Result<Vec<IdState>, StoreError> {
        ids::states(&mut self.connections.get().await?, &self.scope, ids).await
    }
}
