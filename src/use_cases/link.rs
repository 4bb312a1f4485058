//! Linking: one user absorbs another, or an identity without an owner is attached.

mod link_with;
mod secondary;
mod step;
mod write;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub(super) use self::{secondary::SecondarySide, write::LinkWrite};
use super::{Error, Reply, RequestId, UseCases};
use crate::{
    auth::{Permit, Target},
    domain::{
        IdentityRef, User, UserId,
        linking::{LinkTerms, MetadataChanges},
    },
    secret::sha256,
    store::Link as StoredLink,
};

/// An action that a user token does not permit.
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
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The secondary side of a link, as a caller names it.
pub enum Secondary {
    /// By a token of the secondary user, not yet verified.
    LinkWith(String),
    /// By the text of a ticket.
    Ticket(String),
    /// By one of its identities, named by a service.
    Identity(IdentityRef),
    /// By its main identity, named by a service: the primary identity, or the one that gave the
    /// user its id. An identity that a link moved to another user names no user. Nor does one whose
    /// `provider|subject` is another user's id, because the service may mean that user.
    MainIdentity(IdentityRef),
    /// By its id, named by a service.
    User(UserId),
}

/// The result of a link.
pub struct LinkResult {
    /// The primary user after the link.
    pub user: User,
    /// What the link did.
    pub outcome: LinkOutcome,
    /// The link; `None` if there is none. In a preview it is not stored, so its id refers to
    /// nothing.
    pub link: Option<StoredLink>,
    /// The changes of the metadata.
    pub changes: MetadataChanges,
    /// When the ticket of a preview expires; `None` if none was issued.
    pub ticket_expire_time: Option<DateTime<Utc>>,
}

/// What a link did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The secondary user was absorbed.
    Absorbed,
    /// An identity without an owner was attached.
    Attached,
    /// The users were linked already, and nothing changed.
    AlreadyLinked,
}

impl Link {
    /// Makes the link; `reply` builds the response.
    ///
    /// # Errors
    /// [`Error::Domain`] if the proof is invalid or the rules refuse the link; [`Error::Auth`] if
    /// the caller may not make it; those of [`UseCases::run`].
    pub async fn execute<R: Reply>(
        self,
        use_cases: &Arc<UseCases>,
        request_id: Option<RequestId>,
        reply: impl Fn(LinkResult) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        let Self { permit, target, secondary, terms, validate_only, now } = self;
        let secondary = match secondary.verified(use_cases, &permit, now).await {
            Ok(secondary) => secondary,
            // The proof may have expired since this very call got its response.
            Err(error) => {
                let stored =
                    use_cases.stored_response::<LinkWrite, _>(&permit, &target, request_id);
                return stored.await?.ok_or(error);
            }
        };
        let ticket = None;
        let write = LinkWrite { permit, target, secondary, terms, validate_only, ticket, now };
        use_cases.run(write, request_id, reply).await
    }
}

impl Secondary {
    /// The secondary side, after the verification of its token.
    ///
    /// # Errors
    /// Those of [`UseCases::verify_link_with`].
    async fn verified(
        self,
        use_cases: &UseCases,
        permit: &Permit,
        now: DateTime<Utc>,
    ) -> Result<SecondarySide, Error> {
        Ok(match self {
            Self::LinkWith(token) => {
                SecondarySide::Token(use_cases.verify_link_with(permit, &token, now).await?)
            }
            Self::Ticket(text) => SecondarySide::Ticket(sha256(text.as_bytes())),
            Self::Identity(identity) => SecondarySide::Identity(identity),
            Self::MainIdentity(identity) => SecondarySide::MainIdentity(identity),
            Self::User(id) => SecondarySide::User(id),
        })
    }
}
