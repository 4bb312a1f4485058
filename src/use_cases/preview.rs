//! The only difference between a change and its preview.

use chrono::{DateTime, Utc};

use super::Error;
use crate::{
    clock,
    domain::{IdentityRef, User, UserId, user_with_absorbed::StandingLink},
    store::{AccountState, LockKeys, Session},
};

/// The rows on which a change is decided, in the order of their ids.
pub(super) enum Rows<'a> {
    /// Those of these users.
    Users(&'a [&'a UserId]),
    /// Those of a live user and of all users that it holds; and those of other users, where they
    /// exist.
    WithAbsorbed(&'a UserId, &'a [&'a UserId]),
}

/// Reads the rows on which a change is decided, and returns them with the time of the change.
/// Unless it `is_read_only`, this begins a transaction and locks the rows. A read-only preview
/// writes nothing.
///
/// The time is that of the database while it holds the locks, and is never before that of an earlier
/// change of these rows. Times thus agree with the order of changes, whatever the clocks of the
/// servers say. A read-only preview takes its own server's.
pub(super) async fn begin(
    session: &mut Session,
    is_read_only: bool,
    keys: &LockKeys,
    rows: Rows<'_>,
) -> Result<(Vec<User>, DateTime<Utc>), Error> {
    let (users, now) = match (rows, is_read_only) {
        (Rows::Users(ids), true) => (session.users(ids).await?, clock::now()),
        (Rows::Users(ids), false) => session.lock_users(keys, ids).await?,
        (Rows::WithAbsorbed(id, others), true) => {
            (session.with_absorbed(id, others).await?, clock::now())
        }
        (Rows::WithAbsorbed(id, others), false) => {
            session.lock_with_absorbed(keys, id, others).await?
        }
    };
    let now = time_of_change(&users, now);
    Ok((users, now))
}

/// The same for these users, with what is stored of an account.
pub(super) async fn begin_with_account(
    session: &mut Session,
    is_read_only: bool,
    keys: &LockKeys,
    ids: &[&UserId],
    account: &IdentityRef,
) -> Result<(Vec<User>, AccountState, DateTime<Utc>), Error> {
    let (users, account, now) = if is_read_only {
        (session.users(ids).await?, session.account_state(account).await?, clock::now())
    } else {
        session.lock_users_and_account(keys, ids, account).await?
    };
    let now = time_of_change(&users, now);
    Ok((users, account, now))
}

/// The same for a live user, all users that it holds and `others`, with the standing links into the
/// live user and those that it holds.
pub(super) async fn begin_with_links(
    session: &mut Session,
    is_read_only: bool,
    keys: &LockKeys,
    id: &UserId,
    others: &[&UserId],
) -> Result<(Vec<User>, Vec<StandingLink>, DateTime<Utc>), Error> {
    let (users, links, now) = if is_read_only {
        let users = session.with_absorbed(id, others).await?;
        (users, session.standing_links_into(id).await?, clock::now())
    } else {
        session.lock_with_absorbed_and_links(keys, id, others).await?
    };
    let now = time_of_change(&users, now);
    Ok((users, links, now))
}

fn time_of_change(users: &[User], now: DateTime<Utc>) -> DateTime<Utc> {
    users.iter().map(|user| user.update_time).fold(now, DateTime::max)
}
