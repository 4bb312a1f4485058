//! Sets a user's primary identity.

use chrono::{DateTime, Utc};

use super::{
    Error, UseCases, WriteUseCase, actor,
    preview::{self, Rows},
    refs_in, resolve, take_target, vouch,
};
use crate::{
    auth::{Permit, Purpose, Target},
    domain::{Event, IdentityRef, User, UserChange, UserRef, error::expect_version, linking},
    store::{LockKeys, Session},
};

/// Makes another identity of a user the primary one.
pub struct SetPrimaryIdentity {
    /// The permit of the call.
    pub permit: Permit,
    /// The user.
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

impl WriteUseCase for SetPrimaryIdentity {
    type Output = User;

    const RPC: &'static str = "SetPrimaryIdentity";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<User, Error> {
        let (id, []) = resolve(session, &self.target, Purpose::FinalWrite, [], self.now).await?;
        let keys = LockKeys::default().user(&id).identity(&self.identity);
        let (mut users, now) =
            preview::begin(session, self.validate_only, &keys, Rows::Users(&[&id])).await?;
        let mut user = take_target(&mut users, &id, &self.target)?;
        self.target.expect_vouched(&user, |_| true)?;
        expect_version(self.expected_version, user.version)?;
        vouch(session, &self.target, &mut user, self.validate_only, now);
        let changed = linking::set_primary(user.clone(), &self.identity, now)?;
        if let Some(changed) = changed.as_ref().filter(|_| !self.validate_only) {
            session.save_users(&[changed]);
            let (user, identity) = (UserChange::latest(changed), self.identity.clone());
            let event = Event::UserPrimaryIdentityChanged { user, identity };
            session.record(actor(&self.permit, &changed.id), event, now);
        }
        Ok(changed.unwrap_or(user))
    }

    fn concerned(user: &User) -> Vec<UserRef> {
        refs_in(user)
    }
}
