//! The users that have an account of one connection, in the order of the accounts: an index has those
//! of each provider.
//!
//! A user with several accounts of the connection has one line, where the first of them is. Only such
//! users are remembered.

use std::collections::{BTreeSet, HashSet};

use super::pages::Found;
use crate::{
    domain::{Identity, Provider, User, UserId},
    secret::sha256,
    store::{AccountOwner, Session, StoreError},
};

/// The users of a connection that are left.
pub(super) struct ConnectionUsers {
    provider: Provider,
    connection: String,
    /// The last account that was read.
    after: String,
    /// The ids of the users whose line is written, and who have more accounts of the connection.
    written: HashSet<[u8; 32]>,
}

impl ConnectionUsers {
    /// All users with an account of this connection of the provider.
    pub(super) fn new(provider: Provider, connection: String) -> Self {
        Self { provider, connection, after: String::new(), written: HashSet::new() }
    }

    /// The owners of the next `size` accounts of the provider, as far as these are of the connection and
    /// have no line yet; `None` after the last account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn next_ids(
        &mut self,
        session: &mut Session,
        size: usize,
    ) -> Result<Option<Vec<UserId>>, StoreError> {
        let accounts = session.accounts_at_provider(&self.provider, &self.after, size).await?;
        let Some(AccountOwner { subject, .. }) = accounts.last() else { return Ok(None) };
        self.after.clone_from(subject);
        let accounts = accounts.into_iter().filter(|of| of.connection == self.connection);
        let owners: BTreeSet<UserId> = accounts.map(|account| account.owner).collect();
        Ok(Some(owners.into_iter().filter(|owner| !self.has_written(owner)).collect()))
    }

    /// What was found of the owners. If one was absorbed since, the user that holds it has the account.
    pub(super) fn sort_out(&mut self, users: Vec<Option<User>>) -> Found {
        let mut found = Found::default();
        for user in users.into_iter().flatten() {
            let is_known = found.users.iter().any(|other| other.id == user.id);
            if is_known || self.has_written(&user.id) {
                continue;
            }
            let is_its = |identity: &&Identity| {
                identity.id.provider == self.provider && identity.connection == self.connection
            };
            if user.identities.iter().filter(is_its).count() > 1 {
                self.written.insert(sha256(user.id.as_str().as_bytes()));
            }
            found.users.push(user);
        }
        found
    }

    fn has_written(&self, user: &UserId) -> bool {
        !self.written.is_empty() && self.written.contains(&sha256(user.as_str().as_bytes()))
    }
}
