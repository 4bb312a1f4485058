//! Undoing a link as a whole.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, Unlink, UnlinkResult, UseCases, WriteUseCase, actor, calling_token, free_id,
    lock_response, look_up, preview, refs_in, refs_in_link, resolve, take_target,
    unlink::ResolvedIdentity, vouch,
};
use crate::{
    auth::{Permit, Target},
    domain::{
        Absorbed, DomainError, Event, User, UserChange, UserId, UserRef,
        error::expect_version,
        event::MetadataPathChange,
        undoing::{self, UndoTerms, UndoneUsers},
        unlinking::{Departure, UnlinkMetadata, Withheld},
        user_with_absorbed::{StandingLink, UnmergedMetadata, UserWithAbsorbed},
    },
    store::{Link as StoredLink, LockKeys, Lookup, LookupResult, Session},
};

/// Undoes a link.
pub struct UndoLink {
    /// The permit of the call.
    pub permit: Permit,
    /// The link.
    pub link: Uuid,
    /// What happens to the metadata of a restored user.
    pub metadata: UnlinkMetadata,
    /// The version that the holder of the absorbed user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The result of undoing a link.
pub struct UndoLinkResult {
    /// The user that held the absorbed one; `None` in the retry of a caller that left this user by
    /// the undo.
    pub user: Option<User>,
    /// The user that came back, or that an attached identity became; `None` if it was deleted
    /// since.
    pub restored: Option<User>,
    /// Whether this undo created `restored`.
    pub is_new: bool,
    /// Whether the link was undone before, and this changed nothing.
    pub was_undone: bool,
    /// The link after the undo; `None` where `user` is `None`.
    pub link: Option<StoredLink>,
    /// The metadata that was taken back.
    pub unmerged: UnmergedMetadata,
    /// The metadata that was withheld.
    pub withheld: Withheld,
}

impl WriteUseCase for UndoLink {
    type Output = UndoLinkResult;

    const RPC: &'static str = "UndoLink";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<UndoLinkResult, Error> {
        let resolved = self.resolve(use_cases, session).await?;
        if resolved.link.undo_time.is_some() {
            return already_undone(session, resolved.link, &resolved.holder).await;
        }
        match resolved.link.secondary.clone() {
            None => self.detach(use_cases, session, resolved).await,
            Some(secondary) => self.restore(use_cases, session, resolved, &secondary).await,
        }
    }

    fn concerned(result: &UndoLinkResult) -> Vec<UserRef> {
        let restored = result.restored.iter().flat_map(refs_in);
        // The link may name other users, which have left since.
        let user = result.user.iter().flat_map(refs_in);
        user.chain(restored).chain(result.link.iter().flat_map(refs_in_link)).collect()
    }

    fn result_for_retry(
        &self,
        result: &UndoLinkResult,
    ) -> Option<(Option<UserId>, UndoLinkResult)> {
        // A caller that had left before gets the same response as the first time.
        let restored = result.restored.as_ref().filter(|_| !result.was_undone)?;
        calling_token(&self.permit).filter(|caller| restored.is_meant_by(&caller.named))?;
        let (unmerged, withheld) = (UnmergedMetadata::default(), result.withheld.clone());
        let UndoLinkResult { is_new, was_undone, .. } = *result;
        let retry_result = UndoLinkResult {
            user: None,
            restored: Some(restored.clone()),
            is_new,
            was_undone,
            link: None,
            unmerged,
            withheld,
        };
        Some((Some(restored.id.clone()), retry_result))
    }
}

/// The attached identity of a standing link exists, unless its user released it.
const RELEASED: DomainError =
    DomainError::LinkNotUndoable("the identity that it attached was released");

/// The result of resolving the link, before any lock.
struct Resolved {
    target: Target,
    /// The holder of what the link moved, or, after its undo, of its primary user.
    holder: UserId,
    link: StoredLink,
    /// The origin user of the identity that the link attached; `None` if that was released.
    origin: Option<UserId>,
}

impl UndoLink {
    /// Finds the link, and the holder of what it moved. A service names the holder only by the
    /// link. A user gets the same refusal for links of other users and for links that do not exist.
    async fn resolve(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<Resolved, Error> {
        let lookup = Lookup::from(self.link);
        let (own, found) = if self.permit.is_service() {
            (None, look_up(session, &[lookup]).await?.pop())
        } else {
            let target = self.permit.target(None)?;
            let purpose = use_cases.fresh_write(&self.permit)?;
            let (own, [found]) = resolve(session, &target, purpose, [lookup], self.now).await?;
            (Some((target, own)), Some(found))
        };
        let Some(LookupResult { user_state: Some(user_state), link: Some(link), origin, .. }) =
            found
        else {
            return Err(DomainError::LinkNotFound.into());
        };
        let holder = user_state.holder;
        let target = match own {
            Some((target, own)) if own == holder => target,
            Some(_) => return Err(DomainError::LinkNotFound.into()),
            None => self.permit.target(Some(holder.clone()))?,
        };
        Ok(Resolved { target, holder, link, origin })
    }

    /// Undoes a link that attached an identity: it leaves by the rules of `Unlink`.
    async fn detach(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
        resolved: Resolved,
    ) -> Result<UndoLinkResult, Error> {
        let Resolved { target, holder, origin, link } = resolved;
        let (identity, origin) = link.moved.first().cloned().zip(origin).ok_or(RELEASED)?;
        let unlink = Unlink {
            permit: self.permit.clone(),
            target,
            identity,
            metadata: self.metadata,
            expected_version: self.expected_version,
            validate_only: self.validate_only,
            now: self.now,
        };
        let new_id = use_cases.tenant(&self.permit)?.user_id_of(&unlink.identity);
        let new_id = if let Some(id) = new_id { free_id(session, id).await? } else { None };
        let resolved =
            ResolvedIdentity { owner: &holder, origin: &origin, new_id, undoes: Some(link.id) };
        Ok(detached(link, unlink.detach(use_cases, session, resolved).await?))
    }

    /// Undoes a link that absorbed a user: the user comes back.
    async fn restore(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
        resolved: Resolved,
        secondary: &UserId,
    ) -> Result<UndoLinkResult, Error> {
        let (users, links, now) = self.lock(session, &resolved, secondary).await?;
        let link = resolved.link;
        let mut user_with_absorbed =
            UserWithAbsorbed { users: users.clone(), links: links.clone() };
        let unmerged = match self.metadata.extent() {
            Some(extent) => user_with_absorbed.unmerge(link.id, extent)?,
            None => UnmergedMetadata::default(),
        };
        let rewritten = user_with_absorbed.rewritten_since(&links, link.id);
        let tenant = use_cases.tenant(&self.permit)?;
        let terms = UndoTerms {
            link: link.id,
            metadata: self.metadata,
            can_sign_in: &|provider| tenant.can_sign_in(provider),
            caller: calling_token(&self.permit),
        };
        let mut done = undoing::undo(user_with_absorbed, &terms, now)?;
        // Of the users that stay, only those that the undo changed are written.
        done.staying.retain(|user| !users.contains(user));
        done.staying.iter_mut().for_each(|user| user.touch(now));
        if !self.validate_only {
            self.write(session, &done, now)?;
            session.record(
                actor(&self.permit, &done.holder.id),
                undone_event(&link, &done, &unmerged),
                now,
            );
            if !rewritten.is_empty() {
                session.save_link_changes(&rewritten)?;
            }
        }
        let UndoneUsers { holder, restored, withheld, .. } = done;
        Ok(UndoLinkResult {
            user: Some(holder),
            restored: Some(restored),
            is_new: false,
            was_undone: false,
            link: Some(StoredLink { undo_time: Some(now), ..link }),
            unmerged,
            withheld,
        })
    }

    /// Locks and reads the holder, first, and all users that it holds, and returns them with the
    /// standing links into them, and the time of the undo.
    async fn lock(
        &self,
        session: &mut Session,
        Resolved { target, holder, link, .. }: &Resolved,
        secondary: &UserId,
    ) -> Result<(Vec<User>, Vec<StandingLink>, DateTime<Utc>), Error> {
        let keys = LockKeys::default().user(holder).user(secondary);
        let keys = link.moved.iter().fold(keys, LockKeys::identity);
        let (mut users, links, now) =
            preview::begin_with_links(session, self.validate_only, &keys, holder, &[]).await?;
        let mut holder = take_target(&mut users, holder, target)?;
        target.expect_vouched(&holder, |identity| link.moved.contains(&identity.id))?;
        expect_version(self.expected_version, holder.version)?;
        vouch(session, target, &mut holder, self.validate_only, now);
        let is_absorbed =
            |user: &User| user.absorbed.as_ref().and_then(Absorbed::by_link) == Some(link.id);
        if !users.iter().any(is_absorbed) {
            return Err(Error::Stale);
        }
        Ok(([holder].into_iter().chain(users).collect(), links, now))
    }

    fn write(
        &self,
        session: &mut Session,
        done: &UndoneUsers,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let actor = actor(&self.permit, &done.holder.id);
        session.undo_link(self.link, &actor, &done.withheld, None, now)?;
        session.move_identities(&done.restored.identities, &done.restored.id);
        let users: Vec<&User> = [&done.holder, &done.restored]
            .into_iter()
            .chain(&done.followers)
            .chain(&done.staying)
            .collect();
        session.save_users(&users);
        Ok(())
    }
}

/// The event of an undone link.
fn undone_event(link: &StoredLink, done: &UndoneUsers, unmerged: &UnmergedMetadata) -> Event {
    Event::LinkUndone {
        user: UserChange::latest(&done.holder),
        restored: UserChange::latest(&done.restored),
        repointed: done.followers.iter().map(|user| user.id.clone()).collect(),
        moved: done.restored.identities.iter().map(|identity| identity.id.clone()).collect(),
        link: link.id,
        metadata: MetadataPathChange::from_unmerge(unmerged, &done.withheld),
        also: done.staying.iter().map(UserChange::latest).collect(),
    }
}

/// The result for an attached identity, which left by the rules of `Unlink`.
fn detached(link: StoredLink, result: UnlinkResult) -> UndoLinkResult {
    let UnlinkResult { user, departure, unmerged } = result;
    let (restored, is_new, withheld) = match departure {
        Departure::Restored { user, withheld, .. } => (user, false, withheld),
        Departure::Created { user, .. } => (user, true, Withheld::default()),
    };
    let (secondary, undo_time) = (Some(restored.id.clone()), Some(restored.update_time));
    let link = Some(StoredLink { secondary, undo_time, ..link });
    UndoLinkResult {
        user,
        restored: Some(restored),
        is_new,
        was_undone: false,
        link,
        unmerged,
        withheld,
    }
}

async fn already_undone(
    session: &mut Session,
    link: StoredLink,
    holder: &UserId,
) -> Result<UndoLinkResult, Error> {
    let now_held_by = match &link.secondary {
        Some(id) => session.user_by_id(id).await?.map(|user| user.id),
        None => None,
    };
    let users: Vec<&UserId> = [holder].into_iter().chain(&now_held_by).collect();
    lock_response(session, &users, Some(&link)).await?;
    let (user, link) = (Some(read_live_user(session, holder).await?), Some(link));
    let restored = match &now_held_by {
        Some(id) => Some(read_live_user(session, id).await?),
        None => None,
    };
    let (unmerged, withheld) = Default::default();
    Ok(UndoLinkResult { user, restored, is_new: false, was_undone: true, link, unmerged, withheld })
}

async fn read_live_user(session: &mut Session, id: &UserId) -> Result<User, Error> {
    session.user_by_id(id).await?.filter(|user| user.id == *id).ok_or(Error::Stale)
}
