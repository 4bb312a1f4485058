//! Reads the users of an export, a page at a time.

use std::collections::HashMap;

use super::{
    ExportError, all::AllUsers, changed::ChangedUsers, connection::ConnectionUsers,
    named::NamedUsers, page_size::PageSize,
};
use crate::{
    domain::{TenantId, User, UserId},
    store::{PastLink, Session, Store, StoreError},
};

/// What lines are written of, in their order.
pub(super) type Page = Vec<Item>;

/// What a line is written of.
pub(super) enum Item {
    /// A live user.
    User {
        /// The user.
        user: Box<User>,
        /// The ids of the users that it has absorbed, in the order of the ids.
        aliases: Vec<UserId>,
        /// Its links, the oldest first; empty unless they are exported.
        links: Vec<PastLink>,
    },
    /// A user that was deleted.
    Deleted(UserId),
}

/// The users of an export that are left.
pub(super) enum Source {
    /// All users.
    All(Box<AllUsers>),
    /// The users of an id list.
    Named(NamedUsers),
    /// The users of a connection.
    Connection(ConnectionUsers),
    /// The users that changed after a position.
    Changed(ChangedUsers),
}

/// What one page has: users, and the ids of those that were deleted.
#[derive(Default)]
pub(super) struct Found {
    pub users: Vec<User>,
    pub deleted: Vec<UserId>,
}

/// Reads pages, each on a connection that it returns before the page is written: the output may be
/// slow.
pub(super) struct Reader {
    store: Store,
    tenant: TenantId,
    source: Source,
    has_links: bool,
    size: PageSize,
}

impl Reader {
    pub(super) fn new(
        store: Store,
        tenant: TenantId,
        source: Source,
        has_links: bool,
        size: PageSize,
    ) -> Self {
        Self { store, tenant, source, has_links, size }
    }

    /// The next page, all of it at one moment; `None` after the last one.
    ///
    /// # Errors
    /// [`ExportError::Store`]; [`ExportError::ExpiredPosition`] if events were removed before they
    /// were read.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, ExportError> {
        if let Source::All(all) = &mut self.source {
            return all.next().await;
        }
        let mut session = self.store.session(&self.tenant).await?;
        loop {
            let size = self.size.get();
            // The feed is read before, in pages of its own.
            let (ids, lines): (Vec<UserId>, Vec<u64>) = match &mut self.source {
                Source::All(_) => Default::default(),
                Source::Named(named) => named.next_ids(size).await?.into_iter().unzip(),
                Source::Connection(connection) => {
                    match connection.next_ids(&mut session, size).await? {
                        None => return Ok(None),
                        // All accounts of the page are of other connections.
                        Some(ids) if ids.is_empty() => continue,
                        Some(ids) => (ids, Vec::new()),
                    }
                }
                Source::Changed(changed) => {
                    (changed.next_ids(&mut session, size).await?, Vec::new())
                }
            };
            if ids.is_empty() {
                return Ok(None);
            }
            session.begin_snapshot().await?;
            let users = session.users_by_ids(&ids).await?;
            let found = match &mut self.source {
                Source::Named(named) => named.sort_out(&ids, &lines, users),
                Source::Connection(connection) => connection.sort_out(users),
                Source::All(_) | Source::Changed(_) => changed_users(&ids, users),
            };
            let page = page(&mut session, found, self.has_links).await?;
            session.abandon().await?;
            // The users of the page may all be written already, or unknown.
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }

    /// The same as [`super::Export::estimate`].
    pub(super) async fn estimate(
        &mut self,
        is_only_tenant: bool,
    ) -> Result<Option<u64>, ExportError> {
        match &self.source {
            Source::All(_) if is_only_tenant => {
                Ok(self.store.session(&self.tenant).await?.estimated_users().await?)
            }
            Source::Named(named) => Ok(Some(named.count())),
            Source::All(_) | Source::Connection(_) | Source::Changed(_) => Ok(None),
        }
    }

    /// The lines of the id list whose user does not exist, of those that were read.
    pub(super) fn unknown_lines(self) -> Vec<u64> {
        match self.source {
            Source::Named(named) => named.into_unknown_lines(),
            Source::All(_) | Source::Connection(_) | Source::Changed(_) => Vec::new(),
        }
    }
}

/// The page of these users, with what belongs to each.
pub(super) async fn page(
    session: &mut Session,
    found: Found,
    has_links: bool,
) -> Result<Page, StoreError> {
    let Found { users, deleted } = found;
    let ids: Vec<&UserId> = users.iter().map(|user| &user.id).collect();
    let mut absorbed = match ids.is_empty() {
        true => HashMap::new(),
        false => session.absorbed_of(&ids).await?,
    };
    let mut links = HashMap::new();
    if has_links {
        let own = ids.iter().map(|id| (*id, *id));
        let others = absorbed.iter().flat_map(|(id, ids)| ids.iter().map(move |of| (id, of)));
        links = session.links_of(&own.chain(others).collect::<Vec<_>>()).await?;
    }
    let items = users.into_iter().map(|user| Item::User {
        aliases: absorbed.remove(&user.id).unwrap_or_default(),
        links: links.remove(&user.id).unwrap_or_default(),
        user: Box::new(user),
    });
    let mut page: Page = items.chain(deleted.into_iter().map(Item::Deleted)).collect();
    page.sort_by(|a, b| a.id().cmp(b.id()));
    Ok(page)
}

/// What was found of users that changed. An absorbed one has no line: the user that holds it
/// changed too.
fn changed_users(ids: &[UserId], users: Vec<Option<User>>) -> Found {
    let mut found = Found::default();
    for (id, user) in ids.iter().zip(users) {
        match user {
            Some(user) if user.id == *id => found.users.push(user),
            Some(_) => {}
            None => found.deleted.push(id.clone()),
        }
    }
    found
}

impl Item {
    /// The id of the user.
    pub(super) fn id(&self) -> &UserId {
        match self {
            Self::User { user, .. } => &user.id,
            Self::Deleted(id) => id,
        }
    }
}
