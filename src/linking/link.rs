//! Linking: one user absorbs another, or an identity without an owner is attached.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, Linking, Secondary, Write, actor,
    attachment::Attachment,
    lock_named, lock_told, named_in, named_in_link,
    preview::{self, Rows},
    resolve,
    secondary::{Arrival, Step},
    take_live, take_target, vouch,
};
use crate::{
    auth::{Permit, Purpose, Target},
    clock,
    domain::{
        Event, Moved, Named, Refusal, User, UserChange, UserId,
        event::MetadataPlace,
        linking::{self, LinkTerms, MetadataChanges},
        merge::Strategy,
        tickets::{Proven, Ticket, TicketPurpose, UserThen},
    },
    store::{About, Answer, Link as StoredLink, LinkInserted, LockKeys, NewLink, Question, Session},
};

/// An action that a user token does not permit.
const UNPROVEN: &str = "name the secondary user without a proof: send its token in link_with, or a ticket";

/// Another action that a user token does not permit.
pub const MERGE_APP_METADATA: &str = "merge app_metadata";

/// Links two users, or attaches an identity.
pub struct Link {
    /// The permit of the call.
    pub permit: Permit,
    /// The primary user.
    pub target: Target,
    /// The secondary side.
    pub secondary: Secondary,
    /// The terms of the link.
    pub terms: LinkTerms,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The hash of the ticket that a preview issues for the link after it, of an account at which the person signed
    /// in for that link. Without one, a preview writes nothing at all.
    pub ticket: Option<[u8; 32]>,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The result of a link.
pub struct LinkAnswer {
    /// The primary user after the link.
    pub user: User,
    /// What the link did.
    pub outcome: Outcome,
    /// The link; `None` if there is none. In a preview it is not stored, so its id refers to nothing.
    pub link: Option<StoredLink>,
    /// The changes of the metadata.
    pub changes: MetadataChanges,
    /// When the ticket of a preview expires; `None` if none was issued.
    pub ticket_expire_time: Option<DateTime<Utc>>,
}

/// What a link did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The secondary user was absorbed.
    Absorbed,
    /// An identity without an owner was attached.
    Attached,
    /// The users were linked already, and nothing changed.
    AlreadyLinked,
}

impl Write for Link {
    type Answer = LinkAnswer;

    const RPC: &'static str = "Link";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn attempt(&self, linking: &Linking, session: &mut Session) -> Result<LinkAnswer, Error> {
        if !self.secondary.is_proven() {
            self.permit.services_only(UNPROVEN)?;
        }
        if self.terms.app_metadata != Strategy::KeepPrimary {
            self.permit.services_only(MERGE_APP_METADATA)?;
        }
        let (primary, ticket, step) = self.resolve(linking, session).await?;
        match step {
            // Before the other user's data is read, so that the refusal does not reveal it.
            Step::Absorb(_) if self.terms.attach_only => Err(Refusal::IdentityTaken.into()),
            Step::Absorb(secondary) => self.absorb(linking, session, &primary, &secondary, ticket.as_ref()).await,
            Step::Attach(arrival) => self.attach(linking, session, &primary, *arrival, ticket.as_ref()).await,
            Step::Nothing { link } => self.already_linked(session, &primary, link).await,
        }
    }

    fn concerned(answer: &LinkAnswer) -> Vec<Named> {
        named_in(&answer.user).into_iter().chain(answer.link.iter().flat_map(named_in_link)).collect()
    }
}

impl Link {
    /// The primary user, the ticket if it is the proof, and the next step.
    async fn resolve(&self, linking: &Linking, session: &mut Session) -> Result<(UserId, Option<Ticket>, Step), Error> {
        let fresh_write = linking.fresh_write(&self.permit)?;
        let ticket = match &self.secondary {
            Secondary::Ticket(hash) => match session.ticket(hash).await? {
                Some(ticket) => Some(ticket),
                // The ticket may be used up if this same call has a stored response.
                None => {
                    resolve(session, &self.target, fresh_write, [], self.now).await?;
                    return Err(Refusal::LinkTicketInvalid.into());
                }
            },
            _ => None,
        };
        // The sign-in was checked to be fresh when the flow began.
        let purpose = if self.secondary.is_of_flow(ticket.as_ref()) { Purpose::Write } else { fresh_write };
        let named = self.secondary.named(ticket.as_ref())?;
        if self.target.names().contains(&named) {
            return Err(Refusal::SameUser.into());
        }
        let question = Question {
            about: About::Named(named),
            proof_hash: self.secondary.proof_hash(),
            token: self.secondary.token().map(|token| token.stamp().hash),
        };
        let (primary, known) = match self.secondary.user_id() {
            None => {
                let (primary, [known]) = resolve(session, &self.target, purpose, [question], self.now).await?;
                (primary, known)
            }
            Some(id) => {
                let also = [question, Question::from(Named::UserId(id))];
                let (primary, [known, by_id]) = resolve(session, &self.target, purpose, also, self.now).await?;
                let holder = |answer: &Answer| answer.standing.as_ref().map(|standing| standing.holder.clone());
                if holder(&by_id).is_some_and(|by_id| holder(&known).is_some_and(|owner| owner != by_id)) {
                    return Err(Refusal::IdentityTaken.into());
                }
                (primary, known)
            }
        };
        let tenant = linking.tenant(&self.permit)?;
        let step = self.secondary.step(tenant, ticket.as_ref(), &primary, &known, self.now)?;
        Ok((primary, ticket, step))
    }

    async fn absorb(
        &self,
        linking: &Linking,
        session: &mut Session,
        primary: &UserId,
        secondary: &UserId,
        ticket: Option<&Ticket>,
    ) -> Result<LinkAnswer, Error> {
        let mut keys = LockKeys::default().user(primary).user(secondary);
        let named = self.secondary.named(ticket)?;
        if let Named::Identity(identity) = &named {
            keys = keys.identity(identity);
        }
        let (mut users, now) =
            preview::begin(session, self.is_read_only(), &keys, Rows::Of(&[primary, secondary])).await?;
        let mut primary = take_target(&mut users, primary, &self.target)?;
        let secondary = take_live(&mut users, secondary)?;
        if !self.secondary.still_names(&named, &secondary) {
            return Err(Error::Moved);
        }
        self.secondary.expect_as_it_was(ticket, &primary, Some(&secondary))?;
        self.secondary.expect_reach(linking.tenant(&self.permit)?, ticket, &secondary)?;
        let (user, owner) = (UserThen::of(&primary), UserThen::of(&secondary));

        vouch(session, &self.target, &mut primary, self.validate_only, now).await?;
        let moved = self.moved(&primary, now);
        let link = Uuid::now_v7();
        let done = linking::absorb(primary, secondary, &self.terms, link, moved)?;
        let link = StoredLink {
            id: link,
            primary: done.primary.id.clone(),
            secondary: Some(done.secondary.id.clone()),
            moved: done.moved.iter().map(|identity| identity.id.clone()).collect(),
            link_time: now,
            undo_time: None,
        };
        if !self.validate_only {
            session.move_identities(&done.moved, &done.primary.id).await?;
            session.save_users(&[&done.primary, &done.secondary]).await?;
            // Its identities do not show whether it has absorbed others: those may have left.
            let repointed = session.repoint_absorbed(&done.secondary, &done.primary.id, now).await?;
            let event = Event::UserLinked {
                primary: UserChange::of(&done.primary),
                absorbed: UserChange::of(&done.secondary),
                repointed,
                moved: link.moved.clone(),
                link: link.id,
                metadata: MetadataPlace::of_merge(&done.changes),
            };
            session.record(actor(&self.permit, &link.primary), event, now);
            let new = NewLink {
                link: &link,
                primary_version: done.primary.version,
                secondary_version: Some(done.secondary.version),
                terms: &self.terms,
                changes: &done.changes,
                actor: &actor(&self.permit, &link.primary),
                proof: &self.secondary.proof(),
            };
            if session.insert_link(&new).await? == LinkInserted::ProofUsed {
                // Resolving again shows whether this is a retry or a replay.
                return Err(Error::Moved);
            }
        }
        let ticket_expire_time = self.issue(session, user, Some(owner), now).await?;
        let (user, changes) = (done.primary, done.changes);
        Ok(LinkAnswer { user, outcome: Outcome::Absorbed, link: Some(link), changes, ticket_expire_time })
    }

    async fn attach(
        &self,
        linking: &Linking,
        session: &mut Session,
        primary: &UserId,
        arrival: Arrival,
        ticket: Option<&Ticket>,
    ) -> Result<LinkAnswer, Error> {
        let Arrival { account: identity, proven_at } = arrival;
        let keys = LockKeys::default().user(primary).identity(&identity.id);
        let (mut users, now) = preview::begin(session, self.is_read_only(), &keys, Rows::Of(&[primary])).await?;
        let mut user = take_target(&mut users, primary, &self.target)?;
        // The identity may have been added and deleted while this waited.
        let deleted = session.delete_time(&Named::Identity(identity.id.clone())).await?;
        if deleted.is_some_and(|deleted| proven_at <= deleted) {
            return Err(self.secondary.refusal().into());
        }
        self.secondary.expect_as_it_was(ticket, &user, None)?;
        let then = UserThen::of(&user);
        let (permit, terms, proof) = (&self.permit, &self.terms, &self.secondary.proof());
        vouch(session, &self.target, &mut user, self.validate_only, now).await?;
        let moved = self.moved(&user, now);
        let attachment = Attachment { permit, user, identity, terms, proof, moved, now };
        match attachment.attach(session, self.validate_only).await? {
            Some((user, link)) => {
                let ticket_expire_time = self.issue(session, then, None, now).await?;
                let (link, changes) = (Some(link), MetadataChanges::default());
                Ok(LinkAnswer { user, outcome: Outcome::Attached, link, changes, ticket_expire_time })
            }
            None => self.overtaken(linking, session, primary).await,
        }
    }

    /// How the secondary's identities move to the primary user, given its locked row.
    fn moved(&self, primary: &User, now: DateTime<Utc>) -> Moved {
        let vouched = self.target.vouches(primary, self.now);
        Moved { time: now, by_proof: self.secondary.is_proven(), vouched }
    }

    /// The identity had no owner when its proof was judged, and has one now. If the owner is the primary user, the
    /// same call has been made before. Otherwise the owner must not be absorbed, since the proof was judged without
    /// it.
    async fn overtaken(&self, linking: &Linking, session: &mut Session, primary: &UserId) -> Result<LinkAnswer, Error> {
        session.abandon().await?;
        match self.resolve(linking, session).await {
            Ok((_, _, Step::Nothing { link })) => self.already_linked(session, primary, link).await,
            Err(error @ (Error::Denied(_) | Error::Store(_) | Error::Fault(_) | Error::Answered(_))) => Err(error),
            _ => Err(Refusal::IdentityTaken.into()),
        }
    }

    async fn already_linked(
        &self,
        session: &mut Session,
        primary: &UserId,
        link: Option<Uuid>,
    ) -> Result<LinkAnswer, Error> {
        let link = match link {
            Some(id) => session.link(id).await?,
            None => None,
        };
        match self.issues_ticket() {
            true => lock_named(session, &[primary], link.as_ref()).await?,
            false => lock_told(session, &[primary], link.as_ref()).await?,
        }
        let user = session.user_by_id(primary).await?.filter(|user| user.id == *primary).ok_or(Error::Moved)?;
        let then = UserThen::of(&user);
        let ticket_expire_time = self.issue(session, then.clone(), Some(then), clock::now()).await?;
        let changes = MetadataChanges::default();
        Ok(LinkAnswer { user, outcome: Outcome::AlreadyLinked, link, changes, ticket_expire_time })
    }

    fn issues_ticket(&self) -> bool {
        self.validate_only && self.ticket.is_some()
    }

    fn is_read_only(&self) -> bool {
        self.validate_only && !self.issues_ticket()
    }

    /// Issues the ticket of a preview. It permits this user, which began the flow, to absorb the account's owner, as
    /// long as both are unchanged.
    async fn issue(
        &self,
        session: &mut Session,
        user: UserThen,
        owner: Option<UserThen>,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let issued = self.ticket.filter(|_| self.validate_only).zip(self.secondary.account(self.now));
        let Some((hash, (account, proven_at))) = issued else { return Ok(None) };
        let proven = Proven { account: account.clone(), owner, proven_at, time: now };
        let ticket = Ticket { proven, purpose: TicketPurpose::Link(user) };
        Ok(Some(session.insert_ticket(&hash, &ticket).await?))
    }
}
