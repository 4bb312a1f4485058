//! Imported users: what is stored under their names, their rows, and the progress of an import.
//!
//! An import takes no advisory locks, unlike other writers: a batch of a few hundred users would
//! fill the table of locks. It only inserts, and that is safe without:
//!
//! - A name that another transaction inserts or deletes at the same time makes the insert wait for
//!   that transaction. If the name is taken in the end, nothing of the batch is committed.
//! - A name that was deleted meanwhile is free, and has a tombstone. The tombstones are counted
//!   after the inserts, by a statement with a younger snapshot. So no deletion is missed: it has
//!   committed before the insert, or the insert waits for it, or finds the name taken.
//! - A `CreateUser` or a sign-in that finds its name taken by the import fails with a conflict, and
//!   begins again on what is there now. The keys that it locks are not those of other rows.
//! - A change of an imported user locks its row, so it comes after the commit of the import and has
//!   a higher transaction id. The feed has the two in this order.
//! - Rows are inserted in the order of their keys, users before identities, as other writers do. So
//!   two transactions never wait for each other.
//! - A batch is inserted while the one before commits, and waits for it without a lock that the
//!   database knows. A writer that holds a name of the first and waits for one of the second would
//!   keep both waiting: `lock_timeout` ends that, and the batch begins again.
//!
//! A sign-in of a new account locks its email, and an import does not. So both may create a user
//! with the email, as if the sign-in had come before the import.

mod insert;
mod names;
mod origin;
mod runs;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::{
    names::{StoredName, StoredNames},
    runs::ImportRun,
};
use super::{Actor, EmailPlace, Session, StoreError};
use crate::domain::{Event, User, UserId};

/// A user of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedUser {
    /// The user, live, with at least one identity. Its identities are stored in the order in which
    /// they are here, as [`crate::domain::importing::imported_identities`] says; the primary one
    /// must be among them. None of its times may be after the import.
    pub user: User,
    /// Its aliases: former ids, which resolve to it. They differ from its id and from each other.
    pub aliases: Vec<UserId>,
}

impl Session {
    /// Whether an identity of the tenant has an email.
    pub async fn has_emails(&mut self) -> Result<bool, StoreError> {
        let nowhere = EmailPlace { email: String::new(), owner: String::new() };
        Ok(self.emails_after(&nowhere, 1).await?.read > 0)
    }

    /// Records the event of this part of an import, and adds the recorded events to the
    /// transaction: only COMMIT may follow. Without a created user there is no event.
    ///
    /// # Errors
    /// [`StoreError::Fault`] if the event cannot be encoded.
    pub fn record_import(
        &mut self,
        run: Uuid,
        count: u32,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if count > 0 {
            self.record(Actor::operator(), Event::UsersImported { run, count }, now);
        }
        self.insert_events()
    }
}
