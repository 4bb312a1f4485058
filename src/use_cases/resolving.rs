//! Finds the users that a call names, judges its caller by them, and locks what the call names.

use chrono::{DateTime, Utc};

use super::{Error, refs_in_link};
use crate::{
    auth::{Purpose, Target},
    domain::{User, UserId, UserRef},
    store::{Link as StoredLink, LockKeys, Lookup, LookupResult, LookupResults, Session},
};

/// Locks the users and identities of a response about an earlier change. Under a request id this
/// response is stored too, and must not outlive a deletion.
///
/// # Errors
/// [`Error::Stale`] if the link changed before the locks were held.
pub(super) async fn lock_response(
    session: &mut Session,
    users: &[&UserId],
    link: Option<&StoredLink>,
) -> Result<(), Error> {
    if session.has_request_id() {
        lock_refs(session, users, link).await?;
    }
    Ok(())
}

/// Locks users, and the users and identities that a link names, before something that names them is
/// written. Returns the time at which they are locked.
///
/// # Errors
/// [`Error::Stale`] if the link changed before the locks were held.
pub(super) async fn lock_refs(
    session: &mut Session,
    users: &[&UserId],
    link: Option<&StoredLink>,
) -> Result<DateTime<Utc>, Error> {
    let keys = users.iter().fold(LockKeys::default(), |keys, id| keys.user(id));
    let keys =
        link.iter().flat_map(|link| refs_in_link(link)).fold(keys, |keys, named| match named {
            UserRef::Identity(identity) => keys.identity(&identity),
            UserRef::UserId(id) => keys.user(&id),
        });
    let now = session.begin_locked(&keys).await?;
    match link {
        Some(link) if session.link(link.id).await?.as_ref() != Some(link) => Err(Error::Stale),
        _ => Ok(now),
    }
}

/// Resolves the live user of a call, and runs the lookups `also` in the same statement. Returns the
/// user's id and the results of `also`.
///
/// # Errors
/// [`Error::Retried`] if the call has a stored response; [`Error::Auth`] or [`Error::Domain`] if
/// the caller may not call.
pub async fn resolve<const N: usize>(
    session: &mut Session,
    target: &Target,
    purpose: Purpose,
    also: [Lookup; N],
    now: DateTime<Utc>,
) -> Result<(UserId, [LookupResult; N]), Error> {
    let mut lookups: Vec<Lookup> = target.names().into_iter().map(Lookup::from).collect();
    if let Some(first) = lookups.first_mut() {
        first.token = target.token();
    }
    let own = lookups.len();
    lookups.extend(also);
    let LookupResults { mut results, stored, stored_for } = session.look_up(&lookups).await?;
    let also = results.split_off(own);
    let found: Vec<_> = results.into_iter().map(|result| result.user_state).collect();
    if let Some(stored) = stored {
        target.judge_caller(&found, stored_for.as_ref(), now)?;
        return Err(Error::Retried(stored));
    }
    let user = target.judge(&found, purpose, now)?;
    if target.token().is_some() {
        session.note_caller(Some(user.clone()));
    }
    let also =
        also.try_into().map_err(|_| Error::Fault("a lookup returned no result".to_owned()))?;
    Ok((user, also))
}

/// The results of lookups on which no permission depends.
///
/// # Errors
/// [`Error::Retried`] if the call has a stored response.
pub(super) async fn look_up(
    session: &mut Session,
    lookups: &[Lookup],
) -> Result<Vec<LookupResult>, Error> {
    unless_retried(session.look_up(lookups).await?)
}

/// These results.
///
/// # Errors
/// [`Error::Retried`] if the call has a stored response.
pub(super) fn unless_retried(found: LookupResults) -> Result<Vec<LookupResult>, Error> {
    match found {
        LookupResults { stored: Some(stored), .. } => Err(Error::Retried(stored)),
        LookupResults { results, stored: None, .. } => Ok(results),
    }
}

/// Takes the user with this id out of the rows that were read.
///
/// # Errors
/// [`Error::Stale`] if it is not among them.
pub(super) fn take(users: &mut Vec<User>, id: &UserId) -> Result<User, Error> {
    let at = users.iter().position(|user| user.id == *id).ok_or(Error::Stale)?;
    Ok(users.remove(at))
}

/// The same; [`Error::Stale`] also if the user is not live.
pub(super) fn take_live(users: &mut Vec<User>, id: &UserId) -> Result<User, Error> {
    let user = take(users, id)?;
    if user.absorbed.is_some() { Err(Error::Stale) } else { Ok(user) }
}

/// The same; [`Error::Stale`] also if it is no longer the user of the call.
pub(super) fn take_target(
    users: &mut Vec<User>,
    id: &UserId,
    target: &Target,
) -> Result<User, Error> {
    let user = take_live(users, id)?;
    if target.still_means(&user) { Ok(user) } else { Err(Error::Stale) }
}
