//! Releasing: a user gives up an account.

use chrono::{DateTime, Utc};

use super::{
    Error, UseCases, WriteUseCase, actor, calling_token,
    preview::{self, Rows},
    refs_in, resolve, take_target, vouch,
};
use crate::{
    auth::{Permit, Target},
    domain::{
        DomainError, Event, IdentityRef, User, UserChange, UserId, UserRef,
        error::expect_version,
        unlinking::{self, ReleaseTerms},
    },
    store::{LockKeys, Lookup, Session},
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
pub struct ReleaseResult {
    /// The user that released the identity; `None` in the retry of a caller whose token named the
    /// user by that account.
    pub user: Option<User>,
    /// The identity.
    pub identity: IdentityRef,
}

impl WriteUseCase for Release {
    type Output = ReleaseResult;

    /// Releasing is a mode of this rpc.
    const RPC: &'static str = "Unlink";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(
        &self,
        use_cases: &UseCases,
        session: &mut Session,
    ) -> Result<ReleaseResult, Error> {
        let tenant = use_cases.tenant(&self.permit)?;
        let lookup = Lookup::from(UserRef::Identity(self.identity.clone()));
        let purpose = use_cases.fresh_write(&self.permit)?;
        let (owner, [found]) = resolve(session, &self.target, purpose, [lookup], self.now).await?;
        if found.user_state.is_none_or(|user_state| user_state.holder != owner) {
            return Err(DomainError::IdentityNotFound.into());
        }
        // A writer that creates a user for the account, or links it, waits for this lock.
        let keys = LockKeys::default().user(&owner).identity(&self.identity);
        let (mut users, now) =
            preview::begin(session, self.validate_only, &keys, Rows::WithAbsorbed(&owner, &[]))
                .await?;
        let mut owner = take_target(&mut users, &owner, &self.target)?;
        self.target.expect_vouched(&owner, |identity| identity.id == self.identity)?;
        expect_version(self.expected_version, owner.version)?;
        vouch(session, &self.target, &mut owner, self.validate_only, now);

        let terms = ReleaseTerms {
            identity: &self.identity,
            can_sign_in: &|provider| tenant.can_sign_in(provider),
            caller: calling_token(&self.permit),
        };
        let (owner, released) = unlinking::release(owner, &terms, now)?;
        if !self.validate_only {
            // Every user that was this person's at the release, whichever way it leaves later.
            let absorbed = users.iter().map(|user| &user.id);
            let users: Vec<&UserId> = [&owner.id].into_iter().chain(absorbed).collect();
            session.queue_revocations(std::slice::from_ref(&released.id));
            session.delete_identity(&released.id);
            session.insert_release(&released.id, &users, now);
            session.save_users(&[&owner]);
            let event =
                Event::IdentityReleased { user: UserChange::latest(&owner), identity: released.id };
            session.record(actor(&self.permit, &owner.id), event, now);
        }
        Ok(ReleaseResult { user: Some(owner), identity: self.identity.clone() })
    }

    fn concerned(result: &ReleaseResult) -> Vec<UserRef> {
        result
            .user
            .iter()
            .flat_map(refs_in)
            .chain([UserRef::Identity(result.identity.clone())])
            .collect()
    }

    fn result_for_retry(&self, result: &ReleaseResult) -> Option<(Option<UserId>, ReleaseResult)> {
        let user = result.user.as_ref()?;
        calling_token(&self.permit).filter(|caller| !user.is_meant_by(&caller.named))?;
        Some((None, ReleaseResult { user: None, identity: result.identity.clone() }))
    }
}
