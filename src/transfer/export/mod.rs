//! Moving users out: the users of a tenant as lines of JSON.
//!
//! The users are read in the order of their ids, a page at a time. Each page is read in a short
//! transaction of its own, which sees one moment: so an export of any length holds back neither the
//! database's clean-up nor the feed. Every line is a state that its user was in. Between two pages
//! users change, and an identity that moves then may be in several lines, or in none.
//!
//! The feed closes that gap. The position of an export is taken before its first page. So the
//! events after the position name each user that changed while it ran: some of these changes are in
//! the file already, and are seen twice, but none is missed.

mod all;
mod changed;
mod connection;
mod line;
mod named;
mod next_ids;
mod output;
mod page_size;
mod pages;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::{
    all::AllUsers,
    changed::ChangedUsers,
    connection::ConnectionUsers,
    line::Writer,
    named::NamedUsers,
    page_size::PageSize,
    pages::{Page, Reader, Source},
};
pub use self::{
    line::{Form, UserForm},
    named::NamedIds,
    output::{Output, create_private},
};
use crate::{
    domain::{Provider, TenantId},
    feed::PositionCodec,
    store::{Position, PositionState, Store, StoreError},
};

/// Which users of a tenant are exported.
#[derive(Debug)]
pub enum Selection {
    /// All of them.
    All,
    /// Those with these ids.
    Named(NamedIds),
    /// Those that have an account of a connection, in the order of these accounts.
    Connection {
        /// The provider of the connection.
        provider: Provider,
        /// Its name.
        connection: String,
    },
    /// Those that changed after this position of the feed, a text that an export or the feed's rpcs
    /// returned.
    ChangedSince(String),
}

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// The number of users.
    pub users: u64,
    /// The number of users that were deleted.
    pub deleted: u64,
}

/// How an export ended that wrote all its lines.
#[derive(Debug)]
pub struct Exported {
    /// How much was written.
    pub written: Written,
    /// The lines of the id list whose user does not exist, in their order.
    pub unknown_lines: Vec<u64>,
}

/// Why an export ended before its last line.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The text is no position of this tenant's feed.
    #[error(
        "this is not a position of the tenant's feed, or a backup was restored since: export all users, and go on from the position of that export"
    )]
    UnknownPosition,
    /// Events after the position are no longer kept. After this one, all are.
    #[error(
        "the feed no longer has all events after this position: export all users, and go on from the position of that export"
    )]
    ExpiredPosition(Position),
    /// Users were imported after the position.
    #[error(
        "users were imported after this position, and the feed does not name each of them: export all users, and go on from the position of that export"
    )]
    Imported,
    /// A stop was requested.
    #[error("stopped before the end")]
    Stopped,
    /// The copy of the id list cannot be read.
    #[error("the temporary copy of the list cannot be used: {0}")]
    List(#[source] std::io::Error),
    /// The output failed.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An export that has its position, and has not read a user yet.
pub struct Export {
    reader: Reader,
    page_size: PageSize,
    form: Form,
    position: String,
    limit: Option<u64>,
}

impl Export {
    /// Takes the position of an export of this tenant.
    ///
    /// # Errors
    /// [`ExportError::UnknownPosition`] and [`ExportError::ExpiredPosition`] if it cannot go on from
    /// the position of the selection; [`ExportError::Store`].
    pub async fn begin(
        store: &Store,
        tenant: &TenantId,
        selection: Selection,
        form: Form,
    ) -> Result<Self, ExportError> {
        let positions = PositionCodec::new(store.key(tenant)?)?;
        let mut session = store.session(tenant).await?;
        // The horizon is read in a statement of its own, before the events below it.
        let horizon = session.horizon().await?;
        let newest = session.newest_position(horizon).await?;
        let (page_size, has_links) = (PageSize::new(), form.has_links());
        let source = match selection {
            Selection::All => {
                let (store, tenant) = (store.clone(), tenant.clone());
                let all = AllUsers::new(store, tenant, has_links, page_size.clone());
                Source::All(Box::new(all))
            }
            Selection::Named(ids) => Source::Named(NamedUsers::new(ids)),
            Selection::Connection { provider, connection } => {
                Source::Connection(ConnectionUsers::new(provider, connection))
            }
            Selection::ChangedSince(text) => {
                let since = positions.parse(&text).ok_or(ExportError::UnknownPosition)?;
                expect_kept(session.position_state(since).await?)?;
                Source::Changed(ChangedUsers::new(since, horizon))
            }
        };
        let position = match &source {
            Source::Changed(changed) => newest.latest(changed.since()),
            Source::All(_) | Source::Named(_) | Source::Connection(_) => newest,
        };
        let (store, tenant) = (store.clone(), tenant.clone());
        let reader = Reader::new(store, tenant, source, has_links, page_size.clone());
        Ok(Self { reader, page_size, form, position: positions.text(position), limit: None })
    }

    /// The same export of at most this many users; `None` for all.
    #[must_use]
    pub fn at_most(self, users: Option<u64>) -> Self {
        Self { limit: users, ..self }
    }

    /// The position from which the feed has every later change of the exported users.
    pub fn position(&self) -> &str {
        &self.position
    }

    /// About how many users will be written; `None` if that is not known. `is_only_tenant` says that
    /// the database has no other tenant's users.
    ///
    /// # Errors
    /// [`ExportError::Store`].
    pub async fn estimate(&mut self, is_only_tenant: bool) -> Result<Option<u64>, ExportError> {
        self.reader.estimate(is_only_tenant).await
    }

    /// Writes all lines. The next pages are read while one is written, and at most five are in
    /// memory. `progress` is called after each page with all that was written until then.
    ///
    /// # Errors
    /// [`ExportError`]; the lines until then are written.
    pub async fn write(
        self,
        output: Output,
        progress: impl FnMut(Written) + Send + 'static,
        stop: &CancellationToken,
    ) -> Result<Exported, ExportError> {
        let Self { mut reader, page_size, form, limit, .. } = self;
        let (send, receive) = mpsc::channel(1);
        let writer = Writer::new(form, output, limit, page_size);
        // A thread of its own, since a file or a pipe may block.
        let writing = tokio::task::spawn_blocking(move || writer.write_all(receive, progress));
        let read = send_pages(&mut reader, send, stop).await;
        let written = writing
            .await
            .map_err(|error| StoreError::Fault(format!("the writer did not finish: {error}")))?;
        // If the output fails, the pages find no reader: its error is the cause.
        let written = written?;
        read?;
        Ok(Exported { written, unknown_lines: reader.unknown_lines() })
    }
}

/// Sends all pages to the writer, until it ends or a stop is requested.
async fn send_pages(
    reader: &mut Reader,
    writer: mpsc::Sender<Page>,
    stop: &CancellationToken,
) -> Result<(), ExportError> {
    loop {
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(ExportError::Stopped),
            page = reader.next() => page?,
        };
        let Some(page) = page else { return Ok(()) };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Err(ExportError::Stopped),
            sent = writer.send(page) => {
                if sent.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Refuses a position unless the feed has all events after it.
fn expect_kept(state: PositionState) -> Result<(), ExportError> {
    match state {
        PositionState::Good => Ok(()),
        PositionState::Expired(oldest) => Err(ExportError::ExpiredPosition(oldest)),
        PositionState::Unknown => Err(ExportError::UnknownPosition),
    }
}
