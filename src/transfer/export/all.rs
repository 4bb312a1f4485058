//! Reads all users of a tenant, two pages at once: while the database reads one, the other is decoded.

use std::collections::VecDeque;

use tokio::task::JoinHandle;

use super::{
    ExportError,
    page_size::PageSize,
    pages::{Found, Page, page},
};
use crate::{
    domain::TenantId,
    store::{Session, Store, StoreError},
};

/// How many pages are read at once.
const AT_ONCE: usize = 2;

/// The live users of a tenant that are left.
pub(super) struct AllUsers {
    store: Store,
    tenant: TenantId,
    /// The last id of the pages that are being read, or were.
    after: String,
    /// Whether the last page is being read.
    is_last: bool,
    /// The pages that are being read, in their order. Each has a connection until it is read.
    reading: VecDeque<JoinHandle<Result<Page, StoreError>>>,
    has_links: bool,
    size: PageSize,
}

impl AllUsers {
    /// All users of the tenant.
    pub(super) fn new(store: Store, tenant: TenantId, has_links: bool, size: PageSize) -> Self {
        let (after, reading) = (String::new(), VecDeque::new());
        Self { store, tenant, after, is_last: false, reading, has_links, size }
    }

    /// The next page, all of it at one moment; `None` after the last one.
    ///
    /// # Errors
    /// [`ExportError::Store`].
    pub(super) async fn next(&mut self) -> Result<Option<Page>, ExportError> {
        loop {
            while !self.is_last && self.reading.len() < AT_ONCE {
                self.begin().await?;
            }
            let Some(first) = self.reading.front_mut() else { return Ok(None) };
            let read = first.await.map_err(|error| {
                StoreError::Fault(format!("a page was not read to its end: {error}"))
            });
            self.reading.pop_front();
            let page = read??;
            // The users of a page may have been deleted since its end was found.
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }

    /// Begins to read the next page, after its last id is found.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let mut session = self.store.session(&self.tenant).await?;
        let until = session.live_user_at(&self.after, self.size.get()).await?;
        self.is_last = until.is_none();
        let after = match &until {
            Some(until) => std::mem::replace(&mut self.after, until.clone()),
            None => self.after.clone(),
        };
        let has_links = self.has_links;
        let reading = async move { read(&mut session, &after, until.as_deref(), has_links).await };
        self.reading.push_back(tokio::spawn(reading));
        Ok(())
    }
}

/// The users between two ids, or all after the first one.
async fn read(
    session: &mut Session,
    after: &str,
    until: Option<&str>,
    has_links: bool,
) -> Result<Page, StoreError> {
    session.begin_snapshot().await?;
    let users = session.live_users_between(after, until).await?;
    let page = page(session, Found { users, deleted: Vec::new() }, has_links).await?;
    session.abandon().await?;
    Ok(page)
}
