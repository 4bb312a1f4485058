//! The deletion of a user, for whichever caller, and by the operator.

use uuid::Uuid;

use super::{
    Error,
    preview::{self, Rows},
    take_live,
};
use crate::{
    domain::{
        DomainError, Event, IdentityRef, TenantId, User, UserChange, UserId, error::expect_version,
    },
    store::{Actor, DeletedUsers, LockKeys, Session, Store, StoreError},
};

/// The most attempts of the operator at a deletion.
const MAX_TRIES: usize = 3;

/// The terms of a deletion.
pub(super) struct DeletionTerms {
    /// The version that the user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether the users that it absorbed are deleted too. Its aliases are in any case.
    pub include_absorbed: bool,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The id of the erasure that follows.
    pub erasure: Uuid,
}

/// Deletes a live user, without the commit. Returns the deleted users in the order of their ids.
/// `expect` judges the locked row.
///
/// # Errors
/// [`Error::Stale`] if another writer was faster; those of `expect` and of the terms.
pub(super) async fn delete_user(
    session: &mut Session,
    id: &UserId,
    terms: &DeletionTerms,
    actor: Actor,
    expect: impl Fn(&User) -> Result<(), Error>,
) -> Result<Vec<UserId>, Error> {
    // The identities are locked too, so that no call creates one of them again before the deletion.
    let mut seen = session.users(&[id]).await?;
    let seen = take_live(&mut seen, id)?;
    let keys = seen
        .identities
        .iter()
        .fold(LockKeys::default().user(id), |keys, identity| keys.identity(&identity.id));
    let (mut users, now) =
        preview::begin(session, terms.validate_only, &keys, Rows::WithAbsorbed(id, &[])).await?;
    let user = take_live(&mut users, id)?;
    if user.identities != seen.identities {
        return Err(Error::Stale);
    }
    expect(&user)?;
    expect_version(terms.expected_version, user.version)?;
    // A writer that absorbs or restores one of these users locks this user.
    // An alias is a name of this user, and no other person: it goes with the user.
    let are_others = users.iter().any(|user| !user.is_alias());
    let absorbed: Vec<UserId> = users.into_iter().map(|user| user.id).collect();
    if are_others && !terms.include_absorbed {
        return Err(DomainError::AbsorbedUsersExist.into());
    }
    let mut deleted: Vec<UserId> = absorbed.iter().cloned().chain([id.clone()]).collect();
    deleted.sort_unstable();
    if !terms.validate_only {
        let end = UserChange::deletion_of(&user);
        let identities: Vec<IdentityRef> =
            user.identities.into_iter().map(|identity| identity.id).collect();
        let erased = DeletedUsers {
            erasure: terms.erasure,
            users: &deleted,
            identities: &identities,
            time: now,
        };
        session.insert_erasure(&erased);
        session.queue_revocations(&identities);
        session.delete_user(id, &absorbed);
        let event = Event::UserDeleted { user: end, absorbed, identities: identities.clone() };
        session.record(actor, event, now);
        session.insert_tombstones(&deleted, &identities, now);
    }
    Ok(deleted)
}

/// Erases what a deletion left, in small steps.
pub(super) async fn erase_all(
    store: &Store,
    tenant: &TenantId,
    erasure: Uuid,
) -> Result<(), StoreError> {
    // A new session for each step, so that other calls get connections.
    while store.session(tenant).await?.erase_some(Some(erasure)).await? > 0 {}
    Ok(())
}

/// Deletes a live user as the operator, with the users that it absorbed, and erases what that leaves.
/// Returns the deleted users in the order of their ids.
///
/// # Errors
/// [`Error::Stale`] if the user is not live, or other writers were faster each time.
pub async fn delete_as_operator(
    store: &Store,
    tenant: &TenantId,
    id: &UserId,
    validate_only: bool,
) -> Result<Vec<UserId>, Error> {
    let erasure = Uuid::new_v4();
    let terms =
        DeletionTerms { expected_version: None, include_absorbed: true, validate_only, erasure };
    let mut session = store.session(tenant).await?;
    for _ in 0..MAX_TRIES {
        let deleted = async {
            let session = &mut session;
            let deleted = delete_user(session, id, &terms, Actor::operator(), |_| Ok(())).await?;
            session.insert_events()?;
            session.commit().await?;
            Ok(deleted)
        };
        match deleted.await {
            Ok(deleted) => {
                // The pool may have no other connection.
                drop(session);
                if !validate_only {
                    erase_all(store, tenant, erasure).await?;
                }
                return Ok(deleted);
            }
            Err(Error::Stale | Error::Store(StoreError::Conflict(_))) => session.abandon().await?,
            Err(error) => return Err(error),
        }
    }
    Err(Error::Stale)
}
