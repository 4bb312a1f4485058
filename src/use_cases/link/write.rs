//! The write of a link.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    LinkOutcome, LinkResult, MERGE_APP_METADATA, SecondarySide,
    step::{AttachableAccount, Step},
};
use crate::{
    auth::{Caller, Permit, Purpose, Target},
    domain::{
        DomainError, Event, Moved, User, UserChange, UserId, UserRef,
        event::MetadataPathChange,
        linking::{self, Absorption, LinkTerms, MetadataChanges},
        merge::Strategy,
        tickets::{ProvenAccount, Ticket, TicketPurpose, UserSnapshot},
    },
    store::{
        AccountState, Link as StoredLink, LockKeys, Lookup, LookupBy, LookupResult, NewLink, Proof,
        Session,
    },
    use_cases::{
        Error, UseCases, WriteUseCase, actor,
        attachment::Attachment,
        lock_refs, lock_response,
        preview::{self, Rows},
        refs_in, refs_in_link, resolve, take_live, take_target, vouch,
    },
};

/// An action that a user token does not permit.
const UNPROVEN: &str =
    "name the secondary user without a proof: send its token in link_with, or a ticket";

/// Another one: among the links of a plan a person would hide its own.
const TAGGED: &str = "name a plan: leave plan_id empty";

/// Links two users, or attaches an identity. Proofs that need no database are verified already.
pub(in crate::use_cases) struct LinkWrite {
    /// The permit of the call.
    pub permit: Permit,
    /// The primary user.
    pub target: Target,
    /// The secondary side.
    pub secondary: SecondarySide,
    /// The terms of the link.
    pub terms: LinkTerms,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The hash of the ticket that a preview issues for the link after it, of an account at which
    /// the person signed in for that link. Without one, a preview writes nothing at all.
    pub ticket: Option<[u8; 32]>,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

impl WriteUseCase for LinkWrite {
    type Output = LinkResult;

    const RPC: &'static str = "Link";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<LinkResult, Error> {
        if !self.secondary.is_proven() {
            self.permit.services_only(UNPROVEN)?;
        }
        if self.terms.app_metadata != Strategy::KeepPrimary {
            self.permit.services_only(MERGE_APP_METADATA)?;
        }
        if self.terms.plan.is_some() {
            self.permit.services_only(TAGGED)?;
        }
        let (primary, ticket, step) = self.resolve(use_cases, session).await?;
        match step {
            // Before the other user's data is read, so that the refusal does not reveal it.
            Step::Absorb(_) if self.terms.attach_only => Err(DomainError::IdentityTaken.into()),
            Step::Absorb(secondary) => {
                self.absorb(use_cases, session, &primary, &secondary, ticket.as_ref()).await
            }
            Step::Attach(account) => {
                self.attach(use_cases, session, &primary, *account, ticket.as_ref()).await
            }
            Step::Nothing { link } => self.already_linked(session, &primary, link).await,
        }
    }

    fn concerned(result: &LinkResult) -> Vec<UserRef> {
        refs_in(&result.user).into_iter().chain(result.link.iter().flat_map(refs_in_link)).collect()
    }
}

impl LinkWrite {
    /// The primary user, the ticket if it is the proof, and the next step.
    async fn resolve(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<(UserId, Option<Ticket>, Step), Error> {
        let fresh_write = use_cases.fresh_write(&self.permit)?;
        let ticket = match &self.secondary {
            SecondarySide::Ticket(hash) => match session.ticket(hash).await? {
                Some(ticket) => Some(ticket),
                // The ticket may be used up if this same call has a stored response.
                None => {
                    resolve(session, &self.target, fresh_write, [], self.now).await?;
                    return Err(DomainError::LinkTicketInvalid.into());
                }
            },
            _ => None,
        };
        // The sign-in was checked to be fresh when the flow began.
        let purpose =
            if self.secondary.is_of_flow(ticket.as_ref()) { Purpose::Write } else { fresh_write };
        let named = self.secondary.named(ticket.as_ref())?;
        if self.target.names().contains(&named) {
            return Err(DomainError::SameUser.into());
        }
        let lookup = Lookup {
            by: LookupBy::UserRef(named),
            proof_hash: self.secondary.proof_hash(),
            token: self.secondary.token_stamp().map(|stamp| stamp.hash),
        };
        let (primary, found) = match self.secondary.user_id() {
            None => {
                let (primary, [found]) =
                    resolve(session, &self.target, purpose, [lookup], self.now).await?;
                (primary, found)
            }
            Some(id) => {
                let also = [lookup, Lookup::from(UserRef::UserId(id))];
                let (primary, [found, by_id]) =
                    resolve(session, &self.target, purpose, also, self.now).await?;
                let holder = |result: &LookupResult| {
                    result.user_state.as_ref().map(|user_state| user_state.holder.clone())
                };
                if holder(&by_id)
                    .is_some_and(|by_id| holder(&found).is_some_and(|owner| owner != by_id))
                {
                    return Err(DomainError::IdentityTaken.into());
                }
                (primary, found)
            }
        };
        let tenant = use_cases.tenant(&self.permit)?;
        let step = self.secondary.step(tenant, ticket.as_ref(), &primary, &found, self.now)?;
        Ok((primary, ticket, step))
    }

    async fn absorb(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
        primary: &UserId,
        secondary: &UserId,
        ticket: Option<&Ticket>,
    ) -> Result<LinkResult, Error> {
        let mut keys = LockKeys::default().user(primary).user(secondary);
        let named = self.secondary.named(ticket)?;
        if let UserRef::Identity(identity) = &named {
            keys = keys.identity(identity);
        }
        let rows = Rows::WithAbsorbed(secondary, &[primary]);
        let (mut users, now) = preview::begin(session, self.is_read_only(), &keys, rows).await?;
        let mut primary = take_target(&mut users, primary, &self.target)?;
        let secondary = take_live(&mut users, secondary)?;
        // Its identities do not show whether it has absorbed others: those may have left.
        users.retain(|user| user.is_held_by(&secondary.id));
        if !self.secondary.still_names(&named, &secondary) {
            return Err(Error::Stale);
        }
        self.secondary.expect_unchanged(ticket, &primary, Some(&secondary))?;
        self.secondary.expect_reach(use_cases.tenant(&self.permit)?, ticket, &secondary)?;
        let (user, owner) = (UserSnapshot::now(&primary), UserSnapshot::now(&secondary));

        vouch(session, &self.target, &mut primary, self.validate_only, now);
        let moved = self.moved(&primary, now);
        let id = Uuid::now_v7();
        let done = linking::absorb(primary, secondary, &self.terms, id, moved)?;
        let link = StoredLink {
            id,
            primary: done.primary.id.clone(),
            secondary: Some(done.secondary.id.clone()),
            moved: done.moved.iter().map(|identity| identity.id.clone()).collect(),
            link_time: now,
            undo_time: None,
        };
        if !self.validate_only {
            let repointed = users.into_iter().map(|user| user.id).collect();
            self.write(session, &done, repointed, &link)?;
            if let Some((account, tokens)) = self.secondary.tokens(ticket) {
                session.keep_tokens(account, tokens);
            }
        }
        let ticket_expire_time = self.issue(session, user, Some(owner), now).await?;
        Ok(LinkResult {
            user: done.primary,
            outcome: LinkOutcome::Absorbed,
            link: Some(link),
            changes: done.changes,
            ticket_expire_time,
        })
    }

    /// Writes an absorption, with its event. The secondary user had absorbed the `repointed` ones.
    fn write(
        &self,
        session: &mut Session,
        done: &Absorption,
        repointed: Vec<UserId>,
        link: &StoredLink,
    ) -> Result<(), Error> {
        let (now, actor) = (link.link_time, actor(&self.permit, &link.primary));
        let proof = self.proof();
        session.move_identities(&done.moved, &done.primary.id);
        session.save_users(&[&done.primary, &done.secondary]);
        if !repointed.is_empty() {
            let count = repointed.len();
            session.repoint_absorbed(&done.secondary, count, &done.primary.id, now);
        }
        let event = Event::UserLinked {
            primary: UserChange::latest(&done.primary),
            absorbed: UserChange::latest(&done.secondary),
            repointed,
            moved: link.moved.clone(),
            link: link.id,
            metadata: MetadataPathChange::from_merge(&done.changes),
            basis: Some(proof.basis(&self.terms)),
        };
        session.record(actor.clone(), event, now);
        session.insert_link(&NewLink {
            link,
            primary_version: done.primary.version,
            secondary_version: Some(done.secondary.version),
            terms: &self.terms,
            changes: &done.changes,
            actor: &actor,
            proof: &proof,
        })?;
        Ok(())
    }

    /// The proof, as the link records it. The word of an operator, or of a job, is that of its plan.
    fn proof(&self) -> Proof {
        let is_by_plan =
            matches!(self.permit.caller(), Caller::Operator) || self.permit.lease().is_some();
        match is_by_plan && !self.secondary.is_proven() {
            true => Proof::Plan,
            false => self.secondary.proof(),
        }
    }

    async fn attach(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
        primary: &UserId,
        account: AttachableAccount,
        ticket: Option<&Ticket>,
    ) -> Result<LinkResult, Error> {
        let AttachableAccount { account: identity, proven_at } = account;
        let keys = LockKeys::default().user(primary).identity(&identity.id);
        let (mut users, account, now) = preview::begin_with_account(
            session,
            self.is_read_only(),
            &keys,
            &[primary],
            &identity.id,
        )
        .await?;
        let mut user = take_target(&mut users, primary, &self.target)?;
        // The identity may have been added, or added and deleted, while this waited.
        let AccountState { is_owned, delete_time } = account;
        if delete_time.is_some_and(|deleted| proven_at <= deleted) {
            return Err(self
                .secondary
                .refusal("it is older than the deletion of its account")
                .into());
        }
        self.secondary.expect_unchanged(ticket, &user, None)?;
        let then = UserSnapshot::now(&user);
        let (permit, terms, proof) = (&self.permit, &self.terms, &self.proof());
        vouch(session, &self.target, &mut user, self.validate_only, now);
        let moved = self.moved(&user, now);
        let attachment = Attachment { permit, user, identity, terms, proof, moved, now };
        let (user, link) = attachment.attach(session, self.validate_only)?;
        if is_owned && !self.validate_only {
            return self.overtaken(use_cases, session, primary).await;
        }
        let ticket_expire_time = self.issue(session, then, None, now).await?;
        let (link, changes) = (Some(link), MetadataChanges::default());
        Ok(LinkResult { user, outcome: LinkOutcome::Attached, link, changes, ticket_expire_time })
    }

    /// How the secondary's identities move to the primary user, given its locked row.
    fn moved(&self, primary: &User, now: DateTime<Utc>) -> Moved {
        let vouched = self.target.vouches(primary, self.now);
        Moved { time: now, by_proof: self.secondary.is_proven(), vouched }
    }

    /// The identity had no owner when its proof was judged, and has one now. If the owner is the
    /// primary user, the same call has been made before. Otherwise the owner must not be absorbed,
    /// since the proof was judged without it.
    async fn overtaken(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
        primary: &UserId,
    ) -> Result<LinkResult, Error> {
        session.abandon().await?;
        match self.resolve(use_cases, session).await {
            Ok((_, _, Step::Nothing { link })) => self.already_linked(session, primary, link).await,
            Err(
                error @ (Error::Auth(_) | Error::Store(_) | Error::Fault(_) | Error::Retried(_)),
            ) => Err(error),
            _ => Err(DomainError::IdentityTaken.into()),
        }
    }

    async fn already_linked(
        &self,
        session: &mut Session,
        primary: &UserId,
        link: Option<Uuid>,
    ) -> Result<LinkResult, Error> {
        // Not those of a ticket: it may be used again, after its tokens were refreshed.
        let tokens = self.secondary.tokens(None).filter(|_| !self.validate_only);
        let link = match link {
            Some(id) => session.link(id).await?,
            None => None,
        };
        let now = if self.issues_ticket() || tokens.is_some() {
            lock_refs(session, &[primary], link.as_ref()).await?
        } else {
            lock_response(session, &[primary], link.as_ref()).await?;
            self.now
        };
        let user = session
            .user_by_id(primary)
            .await?
            .filter(|user| user.id == *primary)
            .ok_or(Error::Stale)?;
        if let Some((account, tokens)) = tokens {
            // The user is locked: the account has not moved on.
            user.identity(account).ok_or(Error::Stale)?;
            session.keep_tokens(account, tokens);
        }
        let then = UserSnapshot::now(&user);
        let ticket_expire_time = self.issue(session, then.clone(), Some(then), now).await?;
        let changes = MetadataChanges::default();
        Ok(LinkResult {
            user,
            outcome: LinkOutcome::AlreadyLinked,
            link,
            changes,
            ticket_expire_time,
        })
    }

    fn issues_ticket(&self) -> bool {
        self.validate_only && self.ticket.is_some()
    }

    fn is_read_only(&self) -> bool {
        self.validate_only && !self.issues_ticket()
    }

    /// Issues the ticket of a preview. It permits this user, which began the flow, to absorb the
    /// account's owner, as long as both are unchanged.
    async fn issue(
        &self,
        session: &mut Session,
        user: UserSnapshot,
        owner: Option<UserSnapshot>,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let issued =
            self.ticket.filter(|_| self.validate_only).zip(self.secondary.account(self.now));
        let Some((hash, (account, proven_at))) = issued else { return Ok(None) };
        let proven = ProvenAccount { account: account.clone(), owner, proven_at, time: now };
        let ticket = Ticket { proven, purpose: TicketPurpose::Link(user) };
        Ok(Some(session.insert_ticket(&hash, &ticket).await?))
    }
}
