//! Unlinking: one identity leaves its user.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, UseCases, WriteUseCase, actor, calling_token,
    preview::{self, Rows},
    random_user_id, refs_in, resolve, take, take_target, vouch,
};
use crate::{
    auth::{Permit, Target},
    domain::{
        DomainError, Event, IdentityRef, User, UserChange, UserId, UserRef,
        error::expect_version,
        event::MetadataPathChange,
        unlinking::{self, Departure, UnlinkMetadata, UnlinkTerms, Withheld},
        user_with_absorbed::{StandingLink, UnmergedMetadata, UserWithAbsorbed},
    },
    store::{LockKeys, Lookup, Session},
};

/// Detaches an identity.
pub struct Unlink {
    /// The permit of the call.
    pub permit: Permit,
    /// The user that the identity leaves.
    pub target: Target,
    /// The identity.
    pub identity: IdentityRef,
    /// What happens to the metadata of a restored user.
    pub metadata: UnlinkMetadata,
    /// The version that the user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The result of an unlink: both users.
pub struct UnlinkResult {
    /// The user that the identity left; `None` in the retry of a caller that left with the
    /// identity.
    pub user: Option<User>,
    /// The user that the identity belongs to now.
    pub departure: Departure,
    /// What happened to the link's changes in the metadata of the user that the identity left.
    pub unmerged: UnmergedMetadata,
}

impl WriteUseCase for Unlink {
    type Output = UnlinkResult;

    const RPC: &'static str = "Unlink";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<UnlinkResult, Error> {
        let lookup = Lookup::from(UserRef::Identity(self.identity.clone()));
        let purpose = use_cases.fresh_write(&self.permit)?;
        let joined = use_cases.tenant(&self.permit)?.user_id_of(&self.identity);
        let (owner, found, new_id) = match joined {
            None => {
                let (owner, [found]) =
                    resolve(session, &self.target, purpose, [lookup], self.now).await?;
                (owner, found, None)
            }
            Some(id) => {
                let also = [lookup, Lookup::from(UserRef::UserId(id.clone()))];
                let (owner, [found, by_id]) =
                    resolve(session, &self.target, purpose, also, self.now).await?;
                (owner, found, by_id.is_free_id().then_some(id))
            }
        };
        let is_owned = found.user_state.is_some_and(|user_state| user_state.holder == owner);
        let origin = found.origin.filter(|_| is_owned).ok_or(DomainError::IdentityNotFound)?;
        self.detach(
            use_cases,
            session,
            ResolvedIdentity { owner: &owner, origin: &origin, new_id, undoes: None },
        )
        .await
    }

    fn concerned(result: &UnlinkResult) -> Vec<UserRef> {
        let (Departure::Restored { user, .. } | Departure::Created { user, .. }) =
            &result.departure;
        result.user.iter().flat_map(refs_in).chain(refs_in(user)).collect()
    }

    fn result_for_retry(&self, result: &UnlinkResult) -> Option<(Option<UserId>, UnlinkResult)> {
        let (Departure::Restored { user, .. } | Departure::Created { user, .. }) =
            &result.departure;
        calling_token(&self.permit).filter(|caller| user.is_meant_by(&caller.named))?;
        let departure = result.departure.clone();
        Some((
            Some(user.id.clone()),
            UnlinkResult { user: None, departure, unmerged: UnmergedMetadata::default() },
        ))
    }
}

/// The result of resolving an identity, before any lock.
pub(super) struct ResolvedIdentity<'a> {
    /// The user that owns the identity.
    pub(super) owner: &'a UserId,
    /// The identity's origin user.
    pub(super) origin: &'a UserId,
    /// The id for a new user of this identity; `None` for a random one.
    pub(super) new_id: Option<UserId>,
    /// The link that attached the identity and that this undoes; `None` for an unlink. No other
    /// link may end by it.
    pub(super) undoes: Option<Uuid>,
}

/// The users that an unlink affects.
struct AffectedUsers {
    /// The user that the identity leaves.
    owner: User,
    /// The identity's origin user, if it is another user.
    origin: Option<User>,
    /// The other users that the owner holds; after [`Unlink::unmerge`], only those that changed.
    others: Vec<User>,
    /// The links whose changes must be written again.
    rewritten: Vec<StandingLink>,
}

impl Unlink {
    /// Detaches the identity from its resolved owner.
    pub(super) async fn detach(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
        ResolvedIdentity { owner: owner_id, origin: origin_id, new_id, undoes }: ResolvedIdentity<
            '_,
        >,
    ) -> Result<UnlinkResult, Error> {
        let tenant = use_cases.tenant(&self.permit)?;
        let wanted_id = new_id.map_or_else(random_user_id, Ok)?;
        let keys = LockKeys::default()
            .user(owner_id)
            .user(origin_id)
            .user(&wanted_id)
            .identity(&self.identity);
        let (read_only, others) = (self.validate_only, [&wanted_id]);
        // Only a user that comes back takes back what its link changed.
        let (mut users, links, now) = if origin_id != owner_id && self.metadata.extent().is_some() {
            preview::begin_with_links(session, read_only, &keys, owner_id, &others).await?
        } else {
            let rows = Rows::WithAbsorbed(owner_id, &others);
            let (users, now) = preview::begin(session, read_only, &keys, rows).await?;
            (users, Vec::new(), now)
        };
        let is_taken = users.iter().any(|user| user.id == wanted_id);
        let new_user_id = if is_taken { random_user_id()? } else { wanted_id };
        let mut owner = take_target(&mut users, owner_id, &self.target)?;
        self.target.expect_vouched(&owner, |identity| identity.id == self.identity)?;
        expect_version(self.expected_version, owner.version)?;
        vouch(session, &self.target, &mut owner, self.validate_only, now);
        if owner.identity(&self.identity).is_none_or(|identity| identity.origin != *origin_id) {
            return Err(Error::Stale);
        }
        users.retain(|user| user.is_held_by(owner_id));
        let origin = if origin_id == owner_id { None } else { Some(take(&mut users, origin_id)?) };
        if undoes.is_some()
            && unlinking::ended_link(&owner, origin.as_ref(), &self.identity).is_some()
        {
            return Err(DomainError::LinkNotUndoable(
                "the identity that it attached is now the last one of a user that a later link brought: undo that link first",
            )
            .into());
        }
        let aliases: Vec<User> = users.iter().filter(|user| user.is_alias()).cloned().collect();
        let mut affected = AffectedUsers { owner, origin, others: users, rewritten: Vec::new() };
        let unmerged = self.unmerge(&mut affected, &links, now)?;

        let terms = UnlinkTerms {
            identity: &self.identity,
            metadata: self.metadata,
            new_user_id,
            can_sign_in: &|provider| tenant.can_sign_in(provider),
            caller: calling_token(&self.permit),
        };
        let AffectedUsers { owner, origin, others, rewritten } = affected;
        let done = unlinking::detach(owner, origin, &terms, now)?;
        let followers = unlinking::followers(&done, &aliases, &terms, now);
        if !self.validate_only {
            self.write(session, &done, &[others.as_slice(), &followers].concat(), now)?;
            let event = self.event(&done, &others, &followers, &unmerged, undoes);
            session.record(actor(&self.permit, &done.owner.id), event, now);
            if !rewritten.is_empty() {
                session.save_link_changes(&rewritten)?;
            }
        }
        Ok(UnlinkResult { user: Some(done.owner), departure: done.departure, unmerged })
    }

    /// The event. An unlink that undoes the attaching link is recorded as an undo.
    fn event(
        &self,
        done: &unlinking::Detachment,
        also: &[User],
        followers: &[User],
        unmerged: &UnmergedMetadata,
        undoes: Option<Uuid>,
    ) -> Event {
        let (user, moved) = (UserChange::latest(&done.owner), vec![self.identity.clone()]);
        match &done.departure {
            Departure::Restored { user: restored, link, withheld } => Event::UserUnlinked {
                user,
                restored: UserChange::latest(restored),
                repointed: followers.iter().map(|user| user.id.clone()).collect(),
                moved,
                link: *link,
                metadata: MetadataPathChange::from_unmerge(unmerged, withheld),
                also: also.iter().map(UserChange::latest).collect(),
            },
            Departure::Created { user: detached, link } => match undoes {
                Some(link) => Event::LinkUndone {
                    user,
                    restored: UserChange::latest(detached),
                    repointed: Vec::new(),
                    moved,
                    link,
                    metadata: Vec::new(),
                    also: Vec::new(),
                },
                None => Event::IdentityDetached {
                    user,
                    detached: UserChange::latest(detached),
                    identity: self.identity.clone(),
                    link: *link,
                },
            },
        }
    }

    /// Takes back what the ended link, if any, wrote into the other users' metadata.
    fn unmerge(
        &self,
        affected: &mut AffectedUsers,
        links: &[StandingLink],
        now: DateTime<Utc>,
    ) -> Result<UnmergedMetadata, Error> {
        let others = std::mem::take(&mut affected.others);
        let Some(extent) = self.metadata.extent() else { return Ok(UnmergedMetadata::default()) };
        let ended =
            unlinking::ended_link(&affected.owner, affected.origin.as_ref(), &self.identity);
        let (Some(ended), Some(origin)) = (ended, &affected.origin) else {
            return Ok(UnmergedMetadata::default());
        };
        let users: Vec<User> =
            [&affected.owner, origin].into_iter().chain(&others).cloned().collect();
        let mut user_with_absorbed = UserWithAbsorbed { users, links: links.to_vec() };
        // The users that the origin user had absorbed stay with the owner, so the origin user comes
        // back without them.
        for link in links.iter().filter(|link| link.primary == origin.id) {
            user_with_absorbed.unmerge(link.id, extent)?;
        }
        let unmerged = user_with_absorbed.unmerge(ended, extent)?;

        affected.rewritten = user_with_absorbed.rewritten_since(links, ended);
        let mut users = user_with_absorbed.users.into_iter();
        affected.owner = users.next().ok_or(Error::Stale)?;
        affected.origin = users.next();
        let changed = users.zip(others).filter(|(after, before)| after != before);
        affected.others = changed
            .map(|(mut user, _)| {
                user.touch(now);
                user
            })
            .collect();
        Ok(unmerged)
    }

    fn write(
        &self,
        session: &mut Session,
        done: &unlinking::Detachment,
        changed: &[User],
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let actor = actor(&self.permit, &done.owner.id);
        let moved = std::slice::from_ref(&done.identity);
        match &done.departure {
            Departure::Restored { user, link, withheld } => {
                session.undo_link(*link, &actor, withheld, None, now)?;
                session.move_identities(moved, &user.id);
                let users: Vec<&User> = [&done.owner, user].into_iter().chain(changed).collect();
                session.save_users(&users);
            }
            Departure::Created { user, link } => {
                if let Some(link) = link {
                    let withheld = Withheld::default();
                    session.undo_link(*link, &actor, &withheld, Some(&user.id), now)?;
                }
                session.insert_user_row(user);
                session.move_identities(moved, &user.id);
                session.save_users(&[&done.owner]);
            }
        }
        Ok(())
    }
}
