//! Linking: whom a call means by the secondary side, and what is done about it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, Linking, Write, actor, lock_told, named_in, named_in_link,
    preview::{self, Rows},
    resolve, take_live, take_target,
};
use crate::{
    auth::{Denial, Permit, Purpose, Target, TokenUse, VerifiedToken, Who},
    config::ProviderSettings,
    domain::{
        Email, Event, IdentityEmail, IdentityRef, Metadata, Named, Refusal, User, UserChange, UserId, Verified,
        Verifier,
        event::MetadataPlace,
        linking::{self, LinkTerms, MetadataChanges, UnownedIdentity},
    },
    store::{About, Answer, Inserted, Link as StoredLink, LinkInserted, LockKeys, NewLink, Proof, Question, Session},
};

/// What a token tells as an email is left out if it is longer, in bytes. No address is.
const MAX_TOLD_EMAIL: usize = 320;

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

/// How the secondary side is named.
pub enum Secondary {
    /// By a token of it, which has been verified.
    Proven(Arc<VerifiedToken>),
    /// By one of its identities, on a service's word.
    Identity(IdentityRef),
    /// By its id, on a service's word.
    User(UserId),
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

/// What is to be done about the secondary side.
enum Step<'a> {
    Absorb(UserId),
    /// The token tells of the identity.
    Attach(IdentityRef, &'a VerifiedToken),
    Nothing {
        link: Option<Uuid>,
    },
}

impl Linking {
    /// Verifies a `link_with` token as a proof for a link in the permit's tenant.
    pub async fn verify_link_with(&self, permit: &Permit, token: &str, now: DateTime<Utc>) -> Result<Secondary, Error> {
        let proof = self.issuers.verify(token, TokenUse::LinkWith, now).await.map_err(|denial| match denial {
            Denial::KeysUnavailable => Error::Denied(Denial::KeysUnavailable),
            _ => Refusal::LinkTokenInvalid.into(),
        })?;
        let is_enabled = match &proof.who {
            Who::User(Named::Identity(identity)) => self.tenant(permit)?.provider(&identity.provider).policy.enabled,
            Who::User(Named::UserId(_)) => true,
            Who::Service => false,
        };
        if is_enabled && proof.tenants.contains(permit.tenant()) {
            Ok(Secondary::Proven(proof))
        } else {
            Err(Refusal::LinkTokenInvalid.into())
        }
    }
}

impl Secondary {
    /// Whom it names.
    fn named(&self) -> Result<Named, Error> {
        match self {
            Self::Identity(identity) => Ok(Named::Identity(identity.clone())),
            Self::User(id) => Ok(Named::UserId(id.clone())),
            Self::Proven(proof) => match &proof.who {
                Who::User(named) => Ok(named.clone()),
                Who::Service => Err(Refusal::LinkTokenInvalid.into()),
            },
        }
    }

    /// Whether what was found of it is still so of the row that was locked since.
    fn still_names(&self, named: &Named, user: &User) -> bool {
        let withdrawn = matches!(self, Self::Proven(token) if user.has_withdrawn_tokens_of(token.issued_at));
        user.is_meant_by(named) && !withdrawn
    }

    fn proof(&self) -> Proof {
        match self {
            Self::Identity(_) | Self::User(_) => Proof::Service,
            Self::Proven(token) => {
                Proof::Token { issuer: token.issuer.clone(), subject: token.subject.clone(), hash: token.hash }
            }
        }
    }

    /// What is to be done, from what is known of the secondary side.
    fn step(&self, primary: &UserId, known: &Answer) -> Result<Step<'_>, Refusal> {
        match self {
            Self::Proven(token) => proven_step(token, primary, known),
            Self::Identity(_) => match &known.standing {
                None => Err(Refusal::IdentityNotFound),
                Some(owner) if owner.holder == *primary => Ok(Step::Nothing { link: known.home_link }),
                Some(owner) => Ok(Step::Absorb(owner.holder.clone())),
            },
            Self::User(_) => match &known.standing {
                None => Err(Refusal::UserNotFound),
                Some(user) => match &user.absorbed {
                    None => Ok(Step::Absorb(user.holder.clone())),
                    Some(absorbed) if absorbed.into == *primary => Ok(Step::Nothing { link: Some(absorbed.by_link) }),
                    Some(_) => Err(Refusal::UserAbsorbed),
                },
            },
        }
    }
}

/// What a token proves now. It is judged like a bearer, but every cause has the one answer.
fn proven_step<'a>(token: &'a VerifiedToken, primary: &UserId, known: &Answer) -> Result<Step<'a>, Refusal> {
    if let Some(used) = &known.proof_use {
        // The same call again, perhaps because its answer was lost; anything else is a replay.
        // What it names may have left the primary user though the link stands for others.
        let is_here = known.standing.as_ref().is_some_and(|standing| standing.holder == *primary);
        let again = used.primary.as_ref() == Some(primary) && !used.undone && is_here;
        return if again { Ok(Step::Nothing { link: Some(used.link) }) } else { Err(Refusal::LinkTokenInvalid) };
    }
    let Some(standing) = &known.standing else {
        // A token that is older than the deletion of what it names proves nothing any more.
        let outlived = known.delete_time.is_some_and(|deleted| token.issued_at <= deleted);
        return match &token.who {
            Who::User(Named::Identity(identity)) if !outlived => Ok(Step::Attach(identity.clone(), token)),
            _ => Err(Refusal::LinkTokenInvalid),
        };
    };
    if standing.has_withdrawn_tokens_of(token.issued_at) || !standing.has_identity {
        return Err(Refusal::LinkTokenInvalid);
    }
    if standing.holder == *primary {
        let link = standing.absorbed.as_ref().map(|absorbed| absorbed.by_link);
        return Ok(Step::Nothing { link: link.or(known.home_link) });
    }
    if standing.was_absorbed_after(token.issued_at) {
        return Err(Refusal::LinkTokenInvalid);
    }
    Ok(Step::Absorb(standing.holder.clone()))
}

impl Write for Link {
    type Answer = LinkAnswer;

    const RPC: &'static str = "Link";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn attempt(&self, linking: &Linking, session: &mut Session) -> Result<LinkAnswer, Error> {
        let (primary, step) = self.resolve(session).await?;
        match step {
            Step::Absorb(secondary) => self.absorb(session, &primary, &secondary).await,
            Step::Attach(identity, token) => {
                let provider = linking.tenant(&self.permit)?.provider(&identity.provider);
                self.attach(session, &primary, told(identity, provider, token), token.issued_at).await
            }
            Step::Nothing { link } => already_linked(session, &primary, link).await,
        }
    }

    fn concerned(answer: &LinkAnswer) -> Vec<Named> {
        named_in(&answer.user).into_iter().chain(answer.link.iter().flat_map(named_in_link)).collect()
    }
}

impl Link {
    async fn resolve(&self, session: &mut Session) -> Result<(UserId, Step<'_>), Error> {
        let named = self.secondary.named()?;
        if self.target.names().contains(&named) {
            return Err(Refusal::SameUser.into());
        }
        let proof_hash = match &self.secondary {
            Secondary::Proven(token) => Some(token.hash),
            Secondary::Identity(_) | Secondary::User(_) => None,
        };
        let question = Question { about: About::Named(named), proof_hash };
        let (primary, [known]) = resolve(session, &self.target, Purpose::Write, [question], self.now).await?;
        let step = self.secondary.step(&primary, &known)?;
        Ok((primary, step))
    }

    async fn absorb(&self, session: &mut Session, primary: &UserId, secondary: &UserId) -> Result<LinkAnswer, Error> {
        let mut keys = LockKeys::default().user(primary).user(secondary);
        let named = self.secondary.named()?;
        if let Named::Identity(identity) = &named {
            keys = keys.identity(identity);
        }
        let (mut users, now) =
            preview::begin(session, self.validate_only, &keys, Rows::Of(&[primary, secondary])).await?;
        let primary = take_target(&mut users, primary, &self.target)?;
        let secondary = take_live(&mut users, secondary)?;
        if !self.secondary.still_names(&named, &secondary) {
            return Err(Error::Moved);
        }

        let link = Uuid::now_v7();
        let done = linking::absorb(primary, secondary, &self.terms, link, now)?;
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
            let versions = (done.primary.version, Some(done.secondary.version));
            self.insert_link(session, &link, versions, &done.changes).await?;
        }
        Ok(LinkAnswer { user: done.primary, outcome: Outcome::Absorbed, link: Some(link), changes: done.changes })
    }

    async fn attach(
        &self,
        session: &mut Session,
        primary: &UserId,
        identity: UnownedIdentity,
        proven_at: DateTime<Utc>,
    ) -> Result<LinkAnswer, Error> {
        let keys = LockKeys::default().user(primary).identity(&identity.id);
        let (mut users, now) = preview::begin(session, self.validate_only, &keys, Rows::Of(&[primary])).await?;
        let user = take_target(&mut users, primary, &self.target)?;
        // It may have come and gone while this waited.
        let deleted = session.delete_time(&Named::Identity(identity.id.clone())).await?;
        if deleted.is_some_and(|deleted| proven_at <= deleted) {
            return Err(Refusal::LinkTokenInvalid.into());
        }

        let link = Uuid::now_v7();
        let (user, attached) = linking::attach(user, identity, &self.terms, link, now)?;
        let link = StoredLink {
            id: link,
            primary: user.id.clone(),
            secondary: None,
            moved: vec![attached.id.clone()],
            link_time: now,
            undo_time: None,
        };
        if !self.validate_only {
            if session.insert_identity(&attached, &user.id).await? != Inserted::Inserted {
                return self.overtaken(session, primary).await;
            }
            session.save_users(&[&user]).await?;
            let (changed, identity) = (UserChange::of(&user), attached.id.clone());
            let event = Event::IdentityAttached { user: changed, identity, link: link.id };
            session.record(actor(&self.permit, &user.id), event, now);
            self.insert_link(session, &link, (user.version, None), &MetadataChanges::default()).await?;
        }
        let changes = MetadataChanges::default();
        Ok(LinkAnswer { user, outcome: Outcome::Attached, link: Some(link), changes })
    }

    /// The identity was unowned when its token was judged and has an owner now. If that is the
    /// primary user, somebody made this very call; otherwise it is not for us to absorb whoever
    /// owns it, since the proof was judged without them.
    async fn overtaken(&self, session: &mut Session, primary: &UserId) -> Result<LinkAnswer, Error> {
        session.abandon().await?;
        match self.resolve(session).await {
            Ok((_, Step::Nothing { link })) => already_linked(session, primary, link).await,
            Err(error @ (Error::Denied(_) | Error::Store(_) | Error::Fault(_) | Error::Answered(_))) => Err(error),
            _ => Err(Refusal::IdentityTaken.into()),
        }
    }

    async fn insert_link(
        &self,
        session: &mut Session,
        link: &StoredLink,
        (primary_version, secondary_version): (i64, Option<i64>),
        changes: &MetadataChanges,
    ) -> Result<(), Error> {
        let (actor, proof) = (actor(&self.permit, &link.primary), self.secondary.proof());
        let (terms, actor, proof) = (&self.terms, &actor, &proof);
        let new = NewLink { link, primary_version, secondary_version, terms, changes, actor, proof };
        match session.insert_link(&new).await? {
            LinkInserted::Inserted => Ok(()),
            // Resolving again tells whether this was a retry or a replay.
            LinkInserted::ProofUsed => Err(Error::Moved),
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

/// The identity as its token describes it.
fn told(id: IdentityRef, provider: &ProviderSettings, token: &VerifiedToken) -> UnownedIdentity {
    let connection = id.provider.to_string();
    // What does not fit is not worth refusing a link for: it is the provider's, and it can be
    // had from there again.
    let profile_data = Metadata::parse("", token.claims.profile()).unwrap_or_default();
    let can_be_kept =
        |given: &&str| (1..=MAX_TOLD_EMAIL).contains(&given.len()) && !given.chars().any(char::is_control);
    let email = token.claims.text("email").filter(can_be_kept).map(|given| {
        let canonical = Email::parse(given).ok().map(|email| email.canonical().to_owned());
        let is_trusted = |canonical: &String| provider.policy.email_trust.covers(canonical, &profile_data);
        let is_verified = token.claims.is_true("email_verified") && canonical.as_ref().is_some_and(is_trusted);
        let verified =
            is_verified.then(|| Verified { time: token.issued_at, by: Verifier::Issuer(token.issuer.clone()) });
        IdentityEmail { given: given.to_owned(), canonical, verified }
    });
    UnownedIdentity { id, connection, social: provider.social, email, profile_data }
}
