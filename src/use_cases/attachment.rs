//! Attaching an identity without an owner, as links and sign-ins do.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Error, actor};
use crate::{
    auth::Permit,
    domain::{
        Event, Moved, User, UserChange,
        linking::{self, LinkTerms, MetadataChanges, UnownedIdentity},
    },
    store::{Link, NewLink, Proof, Session},
};

/// An identity without an owner that is to be attached to a user.
pub(super) struct Attachment<'a> {
    /// The permit of the call.
    pub permit: &'a Permit,
    /// The user, from its locked row.
    pub user: User,
    /// The identity.
    pub identity: UnownedIdentity,
    /// The terms of the link.
    pub terms: &'a LinkTerms,
    /// The proof for the identity.
    pub proof: &'a Proof,
    /// How the identity moves to the user.
    pub moved: Moved,
    /// The time of the link.
    pub now: DateTime<Utc>,
}

impl Attachment<'_> {
    /// Attaches the identity, and returns the changed user and the link. A preview writes nothing.
    ///
    /// # Errors
    /// [`Error::Domain`] if the rules refuse the link.
    pub(super) fn attach(
        self,
        session: &mut Session,
        validate_only: bool,
    ) -> Result<(User, Link), Error> {
        let Self { permit, user, identity, terms, proof, moved, now } = self;
        let (id, tokens) = (Uuid::now_v7(), identity.tokens.clone());
        let (user, attached) = linking::attach(user, identity, terms, id, moved, now)?;
        let link = Link {
            id,
            primary: user.id.clone(),
            secondary: None,
            moved: vec![attached.id.clone()],
            link_time: now,
            undo_time: None,
        };
        if validate_only {
            return Ok((user, link));
        }
        session.insert_identity(&attached, &user.id)?;
        if let Some(tokens) = &tokens {
            session.keep_tokens(&attached.id, tokens);
        }
        session.save_users(&[&user]);
        let actor = actor(permit, &user.id);
        let event = Event::IdentityAttached {
            user: UserChange::latest(&user),
            identity: attached.id,
            link: id,
            basis: Some(proof.basis(terms)),
        };
        session.record(actor.clone(), event, now);
        let changes = MetadataChanges::default();
        session.insert_link(&NewLink {
            link: &link,
            primary_version: user.version,
            secondary_version: None,
            terms,
            changes: &changes,
            actor: &actor,
            proof,
        })?;
        Ok((user, link))
    }
}
