//! Releasing: a user gives up an account.

use chrono::{DateTime, Utc};

use super::{
    Error, Linking, Write, actor, calling_token, named_in,
    preview::{self, Rows},
    resolve, take_target, vouch,
};
use crate::{
    auth::{Permit, Target},
    domain::{
        Event, IdentityRef, Named, Refusal, User, UserChange, UserId,
        refusal::expect_version,
        unlinking::{self, ReleaseTerms},
    },
    store::{LockKeys, Question, Session},
};

/// Releases an identity: its user loses it, and its next sign-in is a new user.
pub struct Release {
    /// The permit of the call.
    pub permit: Permit,
    /// The user that releases the identity.
    pub target: Target,
    /// The identity.
    pub identity: IdentityRef,
    /// The version that the user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The result of a release.
pub struct ReleaseAnswer {
    /// The user that released the identity; `None` in the retry of a caller whose token named the user by that
    /// account.
    pub user: Option<User>,
    /// The identity.
    pub identity: IdentityRef,
}

impl Write for Release {
    type Answer = ReleaseAnswer;

    /// Releasing is a mode of this rpc.
    const RPC: &'static str = "Unlink";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn attempt(&self, linking: &Linking, session: &mut Session) -> Result<ReleaseAnswer, Error> {
        let tenant = linking.tenant(&self.permit)?;
        let question = Question::from(Named::Identity(self.identity.clone()));
        let purpose = linking.fresh_write(&self.permit)?;
        let (owner, [known]) = resolve(session, &self.target, purpose, [question], self.now).await?;
        if known.standing.is_none_or(|standing| standing.holder != owner) {
            return Err(Refusal::IdentityNotFound.into());
        }
        // A writer that creates a user for the account, or links it, waits for this lock.
        let keys = LockKeys::default().user(&owner).identity(&self.identity);
        let (mut users, now) = preview::begin(session, self.validate_only, &keys, Rows::Of(&[&owner])).await?;
        let mut owner = take_target(&mut users, &owner, &self.target)?;
        self.target.expect_vouched(&owner, |identity| identity.id == self.identity)?;
        expect_version(self.expected_version, owner.version)?;
        vouch(session, &self.target, &mut owner, self.validate_only, now).await?;

        let terms = ReleaseTerms {
            identity: &self.identity,
            can_sign_in: &|provider| tenant.can_sign_in(provider),
            caller: calling_token(&self.permit),
        };
        let (owner, released) = unlinking::release(owner, &terms, now)?;
        if !self.validate_only {
            let users: Vec<&UserId> =
                [&owner.id].into_iter().chain(Some(&released.home).filter(|home| **home != owner.id)).collect();
            session.delete_identity(&released.id).await?;
            session.insert_release(&released.id, &users, now).await?;
            session.save_users(&[&owner]).await?;
            let event = Event::IdentityReleased { user: UserChange::of(&owner), identity: released.id };
            session.record(actor(&self.permit, &owner.id), event, now);
        }
        Ok(ReleaseAnswer { user: Some(owner), identity: self.identity.clone() })
    }

    fn concerned(answer: &ReleaseAnswer) -> Vec<Named> {
        answer.user.iter().flat_map(named_in).chain([Named::Identity(answer.identity.clone())]).collect()
    }

    fn left(&self, answer: &ReleaseAnswer) -> Option<(Option<UserId>, ReleaseAnswer)> {
        let user = answer.user.as_ref()?;
        calling_token(&self.permit).filter(|caller| !user.is_meant_by(&caller.named))?;
        Some((None, ReleaseAnswer { user: None, identity: answer.identity.clone() }))
    }
}
