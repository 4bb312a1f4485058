//! Unlinking: one identity leaves its user.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, Linking, Write, actor, calling_token, named_in,
    preview::{self, Rows},
    random_user_id, resolve, take, take_target, vouch,
};
use crate::{
    auth::{Permit, Target},
    domain::{
        Event, IdentityRef, Named, Refusal, User, UserChange, UserId,
        event::MetadataPlace,
        household::{Household, StandingLink, TakenBackMetadata},
        refusal::expect_version,
        unlinking::{self, Departure, UnlinkMetadata, UnlinkTerms, Withheld},
    },
    store::{Inserted, LockKeys, Question, Session},
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
pub struct UnlinkAnswer {
    /// The user that the identity left; `None` in the retry of a caller that left with the identity.
    pub user: Option<User>,
    /// The user that the identity belongs to now.
    pub departure: Departure,
    /// What happened to the link's changes in the metadata of the user that the identity left.
    pub taken_back: TakenBackMetadata,
}

impl Write for Unlink {
    type Answer = UnlinkAnswer;

    const RPC: &'static str = "Unlink";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn attempt(&self, linking: &Linking, session: &mut Session) -> Result<UnlinkAnswer, Error> {
        let question = Question::from(Named::Identity(self.identity.clone()));
        let purpose = linking.fresh_write(&self.permit)?;
        let joined = linking.tenant(&self.permit)?.user_id_of(&self.identity);
        let (owner, known, new_id) = match joined {
            None => {
                let (owner, [known]) = resolve(session, &self.target, purpose, [question], self.now).await?;
                (owner, known, None)
            }
            Some(id) => {
                let also = [question, Question::from(Named::UserId(id.clone()))];
                let (owner, [known, by_id]) = resolve(session, &self.target, purpose, also, self.now).await?;
                (owner, known, by_id.is_free_id().then_some(id))
            }
        };
        let is_owned = known.standing.is_some_and(|standing| standing.holder == owner);
        let home = known.home.filter(|_| is_owned).ok_or(Refusal::IdentityNotFound)?;
        self.leave(linking, session, Leaving { owner: &owner, home: &home, new_id, undoes: None }).await
    }

    fn concerned(answer: &UnlinkAnswer) -> Vec<Named> {
        let (Departure::Restored { user, .. } | Departure::Created { user, .. }) = &answer.departure;
        answer.user.iter().flat_map(named_in).chain(named_in(user)).collect()
    }

    fn left(&self, answer: &UnlinkAnswer) -> Option<(Option<UserId>, UnlinkAnswer)> {
        let (Departure::Restored { user, .. } | Departure::Created { user, .. }) = &answer.departure;
        calling_token(&self.permit).filter(|caller| user.is_meant_by(&caller.named))?;
        let departure = answer.departure.clone();
        Some((Some(user.id.clone()), UnlinkAnswer { user: None, departure, taken_back: TakenBackMetadata::default() }))
    }
}

/// The result of resolving an identity, before any lock.
pub(super) struct Leaving<'a> {
    /// The user that owns the identity.
    pub(super) owner: &'a UserId,
    /// The identity's origin user.
    pub(super) home: &'a UserId,
    /// The id for a new user of this identity; `None` for a random one.
    pub(super) new_id: Option<UserId>,
    /// The link that attached the identity and that this undoes; `None` for an unlink. No other link may end by it.
    pub(super) undoes: Option<Uuid>,
}

/// The users that an unlink affects.
struct Family {
    /// The user that the identity leaves.
    owner: User,
    /// The identity's origin user, if it is another user.
    home: Option<User>,
    /// The other users that the owner holds; after [`Unlink::take_back`], only those that changed.
    others: Vec<User>,
    /// The links whose changes must be written again.
    rewritten: Vec<StandingLink>,
}

impl Unlink {
    /// Detaches the identity from its resolved owner.
    pub(super) async fn leave(
        &self,
        linking: &Linking,
        session: &mut Session,
        Leaving { owner: owner_id, home: home_id, new_id, undoes }: Leaving<'_>,
    ) -> Result<UnlinkAnswer, Error> {
        let tenant = linking.tenant(&self.permit)?;
        let wanted_id = new_id.map_or_else(random_user_id, Ok)?;
        let keys = LockKeys::default().user(owner_id).user(home_id).user(&wanted_id).identity(&self.identity);
        let rows = Rows::Household(owner_id, &[&wanted_id]);
        let (mut users, now) = preview::begin(session, self.validate_only, &keys, rows).await?;
        let is_taken = users.iter().any(|user| user.id == wanted_id);
        let new_user_id = if is_taken { random_user_id()? } else { wanted_id };
        let mut owner = take_target(&mut users, owner_id, &self.target)?;
        self.target.expect_vouched(&owner, |identity| identity.id == self.identity)?;
        expect_version(self.expected_version, owner.version)?;
        vouch(session, &self.target, &mut owner, self.validate_only, now).await?;
        if owner.identity(&self.identity).is_none_or(|identity| identity.home != *home_id) {
            return Err(Error::Moved);
        }
        users.retain(|user| user.is_held_by(owner_id));
        let home = if home_id == owner_id { None } else { Some(take(&mut users, home_id)?) };
        if undoes.is_some() && unlinking::ended_link(&owner, home.as_ref(), &self.identity).is_some() {
            return Err(Refusal::LinkNotUndoable(
                "it attached what is now the last identity of a user that a later link brought: undo that link first",
            )
            .into());
        }
        let mut family = Family { owner, home, others: users, rewritten: Vec::new() };
        let taken_back = self.take_back(session, &mut family, now).await?;

        let terms = UnlinkTerms {
            identity: &self.identity,
            metadata: self.metadata,
            new_user_id,
            can_sign_in: &|provider| tenant.can_sign_in(provider),
            caller: calling_token(&self.permit),
        };
        let Family { owner, home, others, rewritten } = family;
        let done = unlinking::detach(owner, home, &terms, now)?;
        if !self.validate_only {
            self.write(session, &done, &others, now).await?;
            let event = self.event(&done, &others, &taken_back, undoes);
            session.record(actor(&self.permit, &done.owner.id), event, now);
            if !rewritten.is_empty() {
                session.save_link_changes(&rewritten).await?;
            }
        }
        Ok(UnlinkAnswer { user: Some(done.owner), departure: done.departure, taken_back })
    }

    /// The event. An unlink that undoes the attaching link is recorded as an undo.
    fn event(
        &self,
        done: &unlinking::Detachment,
        also: &[User],
        taken_back: &TakenBackMetadata,
        undoes: Option<Uuid>,
    ) -> Event {
        let (user, moved) = (UserChange::of(&done.owner), vec![self.identity.clone()]);
        match &done.departure {
            Departure::Restored { user: restored, link, withheld } => Event::UserUnlinked {
                user,
                restored: UserChange::of(restored),
                moved,
                link: *link,
                metadata: MetadataPlace::of_return(taken_back, withheld),
                also: also.iter().map(UserChange::of).collect(),
            },
            Departure::Created { user: detached, link } => match undoes {
                Some(link) => Event::LinkUndone {
                    user,
                    restored: UserChange::of(detached),
                    repointed: Vec::new(),
                    moved,
                    link,
                    metadata: Vec::new(),
                    also: Vec::new(),
                },
                None => Event::IdentityDetached {
                    user,
                    detached: UserChange::of(detached),
                    identity: self.identity.clone(),
                    link: *link,
                },
            },
        }
    }

    /// Takes back what the ended link, if any, wrote into the other users' metadata.
    async fn take_back(
        &self,
        session: &mut Session,
        family: &mut Family,
        now: DateTime<Utc>,
    ) -> Result<TakenBackMetadata, Error> {
        let others = std::mem::take(&mut family.others);
        let Some(extent) = self.metadata.extent() else { return Ok(TakenBackMetadata::default()) };
        let ended = unlinking::ended_link(&family.owner, family.home.as_ref(), &self.identity);
        let (Some(ended), Some(home)) = (ended, &family.home) else { return Ok(TakenBackMetadata::default()) };
        let users: Vec<User> = [&family.owner, home].into_iter().chain(&others).cloned().collect();
        let links = session.standing_links_into(&users.iter().map(|user| &user.id).collect::<Vec<_>>()).await?;
        let mut household = Household { users, links: links.clone() };
        // The users that the origin user had absorbed stay with the owner, so the origin user comes back without
        // them.
        for link in links.iter().filter(|link| link.primary == home.id) {
            household.take_back(link.id, extent)?;
        }
        let taken_back = household.take_back(ended, extent)?;

        family.rewritten = household.rewritten_since(&links, ended);
        let mut users = household.users.into_iter();
        family.owner = users.next().ok_or(Error::Moved)?;
        family.home = users.next();
        let changed = users.zip(others).filter(|(after, before)| after != before);
        family.others = changed
            .map(|(mut user, _)| {
                user.touch(now);
                user
            })
            .collect();
        Ok(taken_back)
    }

    async fn write(
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
                session.undo_link(*link, &actor, withheld, None, now).await?;
                session.move_identities(moved, &user.id).await?;
                let users: Vec<&User> = [&done.owner, user].into_iter().chain(changed).collect();
                session.save_users(&users).await?;
            }
            Departure::Created { user, link } => {
                if let Some(link) = link {
                    session.undo_link(*link, &actor, &Withheld::default(), Some(&user.id), now).await?;
                }
                if session.insert_user_row(user).await? != Inserted::Inserted {
                    return Err(Error::Moved);
                }
                session.move_identities(moved, &user.id).await?;
                session.save_users(&[&done.owner]).await?;
            }
        }
        Ok(())
    }
}
