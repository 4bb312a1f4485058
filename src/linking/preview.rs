//! The one difference between a change and its preview.

use chrono::{DateTime, Utc};

use super::Error;
use crate::{
    clock,
    domain::{User, UserId},
    store::{LockKeys, Session},
};

/// Reads the rows that a change is decided on, and tells the time of the change. For a change they
/// are locked, inside a transaction that this begins; for a preview they are only read.
///
/// The time is taken behind the locks, and is never before that of an earlier change of these rows:
/// so times agree with the order in which changes happen.
pub(super) async fn begin(
    session: &mut Session,
    validate_only: bool,
    keys: &LockKeys,
    users: &[&UserId],
) -> Result<(Vec<User>, DateTime<Utc>), Error> {
    let users = if validate_only {
        session.users(users).await?
    } else {
        session.begin().await?;
        session.lock(keys).await?;
        session.users_for_update(users).await?
    };
    let now = users.iter().map(|user| user.update_time).fold(clock::now(), DateTime::max);
    Ok((users, now))
}
