//! The only difference between a change and its preview.

use chrono::{DateTime, Utc};

use super::Error;
use crate::{
    clock,
    domain::{User, UserId},
    store::{LockKeys, Session},
};

/// The rows on which a change is decided.
pub(super) enum Rows<'a> {
    /// Those of these users.
    Users(&'a [&'a UserId]),
    /// Those of a live user, first, and of all users that it holds; and those of other users, where
    /// they exist.
    WithAbsorbed(&'a UserId, &'a [&'a UserId]),
}

/// Reads the rows on which a change is decided, and returns them with the time of the change.
/// Unless it `is_read_only`, this begins a transaction and locks the rows. A read-only preview
/// writes nothing.
///
/// The time is taken while holding the locks, and is never before that of an earlier change of
/// these rows. Times thus agree with the order of changes.
pub(super) async fn begin(
    session: &mut Session,
    is_read_only: bool,
    keys: &LockKeys,
    rows: Rows<'_>,
) -> Result<(Vec<User>, DateTime<Utc>), Error> {
    if !is_read_only {
        session.begin_locked(keys).await?;
    }
    let users = match (rows, is_read_only) {
        (Rows::Users(ids), true) => session.users(ids).await?,
        (Rows::Users(ids), false) => session.users_for_update(ids).await?,
        (Rows::WithAbsorbed(id, others), true) => session.with_absorbed(id, others).await?,
        (Rows::WithAbsorbed(id, others), false) => {
            session.with_absorbed_for_update(id, others).await?
        }
    };
    let now = users.iter().map(|user| user.update_time).fold(clock::now(), DateTime::max);
    Ok((users, now))
}
