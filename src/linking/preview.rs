//! The one difference between a change and its preview.

use chrono::{DateTime, Utc};

use super::Error;
use crate::{
    clock,
    domain::{User, UserId},
    store::{LockKeys, Session},
};

/// The rows that a change is decided on.
pub(super) enum Rows<'a> {
    /// These very users'.
    Of(&'a [&'a UserId]),
    /// A live user's and those of everybody it holds, itself first; and those of others, if there are any.
    Household(&'a UserId, &'a [&'a UserId]),
}

/// Reads the rows that a change is decided on, and tells the time of the change. They are locked, inside a
/// transaction that this begins, unless it `is_read_only`: a preview that writes nothing.
///
/// The time is taken behind the locks, and is never before that of an earlier change of these rows:
/// so times agree with the order in which changes happen.
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
        (Rows::Of(ids), true) => session.users(ids).await?,
        (Rows::Of(ids), false) => session.users_for_update(ids).await?,
        (Rows::Household(id, others), true) => session.household(id, others).await?,
        (Rows::Household(id, others), false) => session.household_for_update(id, others).await?,
    };
    let now = users.iter().map(|user| user.update_time).fold(clock::now(), DateTime::max);
    Ok((users, now))
}
