//! Attaching an identity that nobody owns: what a link and a sign-in do alike.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Error, actor};
use crate::{
    auth::Permit,
    domain::{
        Event, Moved, User, UserChange,
        linking::{self, LinkTerms, MetadataChanges, UnownedIdentity},
    },
    store::{Inserted, Link, LinkInserted, NewLink, Proof, Session},
};

/// An identity that nobody owns, on its way to a user.
pub(super) struct Attachment<'a> {
    /// On whose permission.
    pub permit: &'a Permit,
    /// The user, as its locked row has it.
    pub user: User,
    /// The identity.
    pub identity: UnownedIdentity,
    /// How.
    pub terms: &'a LinkTerms,
    /// On what proof.
    pub proof: &'a Proof,
    /// How it comes to the user.
    pub moved: Moved,
    /// When.
    pub now: DateTime<Utc>,
}

impl Attachment<'_> {
    /// Attaches it, and gives the user as it is then and the link; `None` if somebody owns it meanwhile. For a
    /// preview nothing is written.
    pub(super) async fn attach(
        self,
        session: &mut Session,
        validate_only: bool,
    ) -> Result<Option<(User, Link)>, Error> {
        let Self { permit, user, identity, terms, proof, moved, now } = self;
        let id = Uuid::now_v7();
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
            return Ok(Some((user, link)));
        }
        if session.insert_identity(&attached, &user.id).await? != Inserted::Inserted {
            return Ok(None);
        }
        session.save_users(&[&user]).await?;
        let actor = actor(permit, &user.id);
        let event = Event::IdentityAttached { user: UserChange::of(&user), identity: attached.id, link: id };
        session.record(actor.clone(), event, now);
        let changes = MetadataChanges::default();
        let new = NewLink {
            link: &link,
            primary_version: user.version,
            secondary_version: None,
            terms,
            changes: &changes,
            actor: &actor,
            proof,
        };
        match session.insert_link(&new).await? {
            LinkInserted::Inserted => Ok(Some((user, link))),
            // Resolving again tells whether this was a retry or a replay.
            LinkInserted::ProofUsed => Err(Error::Moved),
        }
    }
}
