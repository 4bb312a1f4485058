//! Linking: one user absorbs another, or takes in an identity that nobody owns.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, Linking, Secondary, Write, actor,
    attachment::Attachment,
    lock_told, named_in, named_in_link,
    preview::{self, Rows},
    resolve,
    secondary::{Arrival, Step},
    take_live, take_target, vouch,
};
use crate::{
    auth::{Permit, Purpose, Target},
    domain::{
        Event, Moved, Named, Refusal, User, UserChange, UserId,
        event::MetadataPlace,
        linking::{self, LinkTerms, MetadataChanges},
        merge::Strategy,
    },
    store::{About, Answer, Link as StoredLink, LinkInserted, LockKeys, NewLink, Question, Session},
};

/// What a user token may not do.
const UNPROVEN: &str = "name the secondary user without a proof: send its token in link_with, or a ticket";

/// Links two users, or attaches an identity.
pub struct Link {
    /// On whose permission.
    pub permit: Permit,
    /// The primary user.
    pub target: Target,
    /// The secondary side.
    pub secondary: Secondary,
    /// How.
    pub terms: LinkTerms,
    /// Whether to change nothing.
    pub validate_only: bool,
    /// When it was asked for.
    pub now: DateTime<Utc>,
}

/// What a link came to.
pub struct LinkAnswer {
    /// The primary user as it is now.
    pub user: User,
    /// What the call came to.
    pub outcome: Outcome,
    /// The link, if there is one. In a preview it has no id yet.
    pub link: Option<StoredLink>,
    /// What became of the metadata.
    pub changes: MetadataChanges,
}

/// What a link came to, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The secondary user was absorbed.
    Absorbed,
    /// An identity that nobody owned was attached.
    Attached,
    /// There was nothing to do.
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
            self.permit.services_only("merge app_metadata")?;
        }
        let (primary, step) = self.resolve(linking, session).await?;
        match step {
            Step::Absorb(secondary) => self.absorb(linking, session, &primary, &secondary).await,
            Step::Attach(arrival) => self.attach(linking, session, &primary, *arrival).await,
            Step::Nothing { link } => already_linked(session, &primary, link).await,
        }
    }

    fn concerned(answer: &LinkAnswer) -> Vec<Named> {
        named_in(&answer.user).into_iter().chain(answer.link.iter().flat_map(named_in_link)).collect()
    }
}

impl Link {
    async fn resolve(&self, linking: &Linking, session: &mut Session) -> Result<(UserId, Step), Error> {
        let purpose = match &self.secondary {
            // The sign-in had to be fresh when this flow began.
            Secondary::Account(_) => Purpose::Write,
            _ => linking.fresh_write(&self.permit)?,
        };
        let ticket = match &self.secondary {
            Secondary::Ticket(hash) => match session.ticket(hash).await? {
                Some(ticket) => Some(ticket),
                // It need not be there any more where this very call has been answered.
                None => {
                    resolve(session, &self.target, purpose, [], self.now).await?;
                    return Err(Refusal::LinkTicketInvalid.into());
                }
            },
            _ => None,
        };
        let named = self.secondary.named(ticket.as_ref())?;
        if self.target.names().contains(&named) {
            return Err(Refusal::SameUser.into());
        }
        let question = Question {
            about: About::Named(named),
            proof_hash: self.secondary.proof_hash(),
            token: self.secondary.token().map(|token| token.hash),
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
        let step = self.secondary.step(linking.tenant(&self.permit)?, ticket, &primary, &known, self.now)?;
        Ok((primary, step))
    }

    async fn absorb(
        &self,
        linking: &Linking,
        session: &mut Session,
        primary: &UserId,
        secondary: &UserId,
    ) -> Result<LinkAnswer, Error> {
        let mut keys = LockKeys::default().user(primary).user(secondary);
        let named = self.secondary.named(None)?;
        if let Named::Identity(identity) = &named {
            keys = keys.identity(identity);
        }
        let (mut users, now) =
            preview::begin(session, self.validate_only, &keys, Rows::Of(&[primary, secondary])).await?;
        let mut primary = take_target(&mut users, primary, &self.target)?;
        let secondary = take_live(&mut users, secondary)?;
        if !self.secondary.still_names(&named, &secondary) {
            return Err(Error::Moved);
        }
        self.secondary.expect_reach(linking.tenant(&self.permit)?, &secondary)?;

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
            // Whether it has absorbed others is not seen from its identities: those may be gone.
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
                // Resolving again tells whether this was a retry or a replay.
                return Err(Error::Moved);
            }
        }
        Ok(LinkAnswer { user: done.primary, outcome: Outcome::Absorbed, link: Some(link), changes: done.changes })
    }

    async fn attach(
        &self,
        linking: &Linking,
        session: &mut Session,
        primary: &UserId,
        arrival: Arrival,
    ) -> Result<LinkAnswer, Error> {
        let Arrival { account: identity, proven_at, ticket } = arrival;
        let keys = LockKeys::default().user(primary).identity(&identity.id);
        let (mut users, now) = preview::begin(session, self.validate_only, &keys, Rows::Of(&[primary])).await?;
        let mut user = take_target(&mut users, primary, &self.target)?;
        // It may have come and gone while this waited.
        let deleted = session.delete_time(&Named::Identity(identity.id.clone())).await?;
        if deleted.is_some_and(|deleted| proven_at <= deleted) || ticket.is_some_and(|ticket| !ticket.is_for(&user)) {
            return Err(self.secondary.refusal().into());
        }
        let (permit, terms, proof) = (&self.permit, &self.terms, &self.secondary.proof());
        vouch(session, &self.target, &mut user, self.validate_only, now).await?;
        let moved = self.moved(&user, now);
        let attachment = Attachment { permit, user, identity, terms, proof, moved, now };
        match attachment.attach(session, self.validate_only).await? {
            Some((user, link)) => {
                let changes = MetadataChanges::default();
                Ok(LinkAnswer { user, outcome: Outcome::Attached, link: Some(link), changes })
            }
            None => self.overtaken(linking, session, primary).await,
        }
    }

    /// How the secondary's identities come to the primary user, as its locked row has it.
    fn moved(&self, primary: &User, now: DateTime<Utc>) -> Moved {
        let vouched = self.target.vouches(primary, self.now);
        Moved { time: now, by_proof: self.secondary.is_proven(), vouched }
    }

    /// The identity was unowned when its proof was judged and has an owner now. If that is the
    /// primary user, somebody made this very call; otherwise it is not for us to absorb whoever
    /// owns it, since the proof was judged without them.
    async fn overtaken(&self, linking: &Linking, session: &mut Session, primary: &UserId) -> Result<LinkAnswer, Error> {
        session.abandon().await?;
        match self.resolve(linking, session).await {
            Ok((_, Step::Nothing { link })) => already_linked(session, primary, link).await,
            Err(error @ (Error::Denied(_) | Error::Store(_) | Error::Fault(_) | Error::Answered(_))) => Err(error),
            _ => Err(Refusal::IdentityTaken.into()),
        }
    }
}

async fn already_linked(session: &mut Session, primary: &UserId, link: Option<Uuid>) -> Result<LinkAnswer, Error> {
    let link = match link {
        Some(id) => session.link(id).await?,
        None => None,
    };
    lock_told(session, &[primary], link.as_ref()).await?;
    let user = session.user_by_id(primary).await?.filter(|user| user.id == *primary).ok_or(Error::Moved)?;
    Ok(LinkAnswer { user, outcome: Outcome::AlreadyLinked, link, changes: MetadataChanges::default() })
}
