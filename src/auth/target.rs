//! The user of a call. A [`Target`] can only be made from a [`Permit`].

use chrono::{DateTime, Utc};

use super::{AuthError, Caller, Permit, Purpose, RECENT_SIGN_IN, UserCaller};
use crate::domain::{
    DomainError, Identity, IdentityRef, TokenHash, User, UserId, UserRef, UserState,
};

/// The user of a call, not yet looked up.
#[derive(Debug, Clone)]
pub struct Target(TargetUser);

#[derive(Debug, Clone)]
enum TargetUser {
    /// The caller's own user; `requested` must turn out to be it.
    Own { caller: UserCaller, requested: Option<RequestedUser> },
    /// Any user of the tenant.
    Any(RequestedUser),
}

/// A user, by its id.
#[derive(Debug, Clone)]
pub(super) struct RequestedUser {
    pub(super) id: UserId,
    /// The account for which the caller takes the id. It must still be the user's.
    account: Option<IdentityRef>,
    absorbed_id: AbsorbedId,
}

/// What an absorbed user's id names to a caller that reads. To one that writes it never names the
/// holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbsorbedId {
    /// The user that holds the absorbed one now.
    Holder,
    /// No user: a caller that takes the id for a user of its own would judge the holder in its
    /// place.
    Gone,
}

impl Permit {
    /// The user of the call. A service names the user; for a user token, no id means its own user.
    ///
    /// # Errors
    /// [`DomainError::Invalid`] if a service names no user; [`DomainError::UserNotFound`] for a
    /// provider, which has none.
    pub fn target(&self, requested: Option<UserId>) -> Result<Target, AuthError> {
        match (self.caller(), requested) {
            (Caller::User(caller), requested) => Ok(Target(TargetUser::Own {
                caller: caller.clone(),
                requested: requested.map(RequestedUser::by_id),
            })),
            (Caller::Service { .. } | Caller::Operator, Some(id)) => {
                Ok(Target(TargetUser::Any(RequestedUser::by_id(id))))
            }
            (Caller::Service { .. } | Caller::Operator, None) => Err(DomainError::invalid(
                "user_id",
                "is required: a service has no user of its own",
            )
            .into()),
            (Caller::Provider { .. }, _) => Err(DomainError::UserNotFound.into()),
        }
    }

    /// The same, by an id of the form `provider|subject`, which a client of Auth0 takes for an
    /// account. Such an id stays with its user when the account leaves, and then names no user. The
    /// account with which a caller signed in names the caller's own user, whichever id that user
    /// has; the account's name need not be a well-formed user id.
    ///
    /// # Errors
    /// [`DomainError::UserNotFound`] if the text is not a well-formed user id.
    pub fn target_of_account(
        &self,
        id: &str,
        absorbed_id: AbsorbedId,
    ) -> Result<Target, AuthError> {
        let requested = |account| {
            let id = UserId::parse(id).ok_or(DomainError::UserNotFound)?;
            Ok::<_, AuthError>(RequestedUser { id, account, absorbed_id })
        };
        let right = match self.caller() {
            Caller::User(caller) if caller.is_named(id) => {
                TargetUser::Own { caller: caller.clone(), requested: None }
            }
            Caller::User(caller) => {
                TargetUser::Own { caller: caller.clone(), requested: Some(requested(None)?) }
            }
            Caller::Service { .. } | Caller::Operator => {
                TargetUser::Any(requested(IdentityRef::parse_joined(id))?)
            }
            Caller::Provider { .. } => return Err(DomainError::UserNotFound.into()),
        };
        Ok(Target(right))
    }
}

impl RequestedUser {
    /// By its id alone.
    fn by_id(id: UserId) -> Self {
        Self { id, account: None, absorbed_id: AbsorbedId::Holder }
    }

    /// Refuses the id of an absorbed user where that names no user.
    pub(super) fn expect_found(
        &self,
        is_absorbed: bool,
        purpose: Purpose,
    ) -> Result<(), DomainError> {
        let is_gone = purpose != Purpose::Read || self.absorbed_id == AbsorbedId::Gone;
        if is_absorbed && is_gone { Err(DomainError::UserAbsorbed) } else { Ok(()) }
    }
}

impl Target {
    /// The id that the call names; `None` for a user token that names none.
    pub fn requested_id(&self) -> Option<&UserId> {
        match &self.0 {
            TargetUser::Own { requested, .. } => requested.as_ref().map(|requested| &requested.id),
            TargetUser::Any(requested) => Some(&requested.id),
        }
    }

    /// The id that a service named. The user with this id may be read without [`Target::judge`].
    pub fn named_by_service(&self) -> Option<&UserId> {
        match &self.0 {
            TargetUser::Any(requested) => Some(&requested.id),
            TargetUser::Own { .. } => None,
        }
    }

    /// The account of the id that a service named, if the service asks for the holder of what it
    /// named.
    pub fn account_to_resolve(&self) -> Option<&IdentityRef> {
        match &self.0 {
            TargetUser::Any(RequestedUser { account, absorbed_id: AbsorbedId::Holder, .. }) => {
                account.as_ref()
            }
            TargetUser::Any(_) | TargetUser::Own { .. } => None,
        }
    }

    /// Refuses the user that was read by [`Target::named_by_service`] unless it is the one that the
    /// service meant.
    ///
    /// # Errors
    /// [`DomainError::UserNotFound`], [`DomainError::UserAbsorbed`].
    pub fn expect_meant(&self, user: &User) -> Result<(), DomainError> {
        match &self.0 {
            TargetUser::Any(RequestedUser { account: Some(account), .. })
                if user.identity(account).is_none() =>
            {
                Err(DomainError::UserNotFound)
            }
            TargetUser::Any(requested) => {
                requested.expect_found(user.id != requested.id, Purpose::Read)
            }
            TargetUser::Own { .. } => Err(DomainError::UserNotFound),
        }
    }

    /// The names to look up before [`Target::judge`].
    pub fn names(&self) -> Vec<UserRef> {
        match &self.0 {
            TargetUser::Own { caller, requested } => {
                let requested =
                    requested.as_ref().map(|requested| UserRef::UserId(requested.id.clone()));
                [caller.named.clone()].into_iter().chain(requested).collect()
            }
            TargetUser::Any(RequestedUser { id, account, .. }) => {
                let account = account.clone().map(UserRef::Identity);
                [UserRef::UserId(id.clone())].into_iter().chain(account).collect()
            }
        }
    }

    /// The caller's own token, which is the first of [`Target::names`].
    pub fn token(&self) -> Option<TokenHash> {
        match &self.0 {
            TargetUser::Own { caller, .. } => Some(caller.stamp.hash),
            TargetUser::Any(_) => None,
        }
    }

    /// Judges the results for [`Target::names`], in that order. Returns the id of the live user of
    /// the call.
    ///
    /// # Errors
    /// [`DomainError::UserNotFound`], [`DomainError::UserAbsorbed`], and for a user token each
    /// reason for which it may not do what `purpose` says.
    pub fn judge(
        &self,
        found: &[Option<UserState>],
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<UserId, AuthError> {
        let first = found.first().and_then(Option::as_ref).ok_or(DomainError::UserNotFound)?;
        let second = found.get(1).and_then(Option::as_ref);
        match &self.0 {
            TargetUser::Any(requested) => {
                if requested.account.is_some() && second.is_none_or(|of| of.holder != first.holder)
                {
                    return Err(DomainError::UserNotFound.into());
                }
                requested.expect_found(first.absorbed.is_some(), purpose)?;
                Ok(first.holder.clone())
            }
            TargetUser::Own { caller, requested } => caller.judge(
                first,
                requested.as_ref().map(|requested| (requested, second)),
                purpose,
                now,
            ),
        }
    }

    /// Judges only the caller, by the results for [`Target::names`]: whether it may get a stored
    /// response. The target was judged with the first response. The second argument is the live
    /// user that now holds the caller of that time; `None` if it does not matter.
    ///
    /// # Errors
    /// [`AuthError::NotYourUser`] if the caller is another user now, and those of
    /// [`Target::judge`].
    pub fn judge_caller(
        &self,
        found: &[Option<UserState>],
        stored_for: Option<&UserId>,
        now: DateTime<Utc>,
    ) -> Result<(), AuthError> {
        match (&self.0, found.first().and_then(Option::as_ref)) {
            // The call itself may have caused this, by releasing the last account that the caller's
            // absorbed user had brought.
            (TargetUser::Own { caller, .. }, Some(own))
                if stored_for.is_none()
                    && !own.has_identity
                    && !own.has_withdrawn_tokens_of(caller.stamp.issued_at) =>
            {
                Ok(())
            }
            (TargetUser::Own { caller, .. }, Some(own)) => {
                let own = caller.judge(own, None, Purpose::Read, now)?;
                if stored_for.is_none_or(|stored_for| *stored_for == own) {
                    Ok(())
                } else {
                    Err(AuthError::NotYourUser)
                }
            }
            // The call itself may have caused this, by deleting the caller's user or releasing its
            // account.
            (TargetUser::Own { .. }, None) if stored_for.is_none() => Ok(()),
            (TargetUser::Own { .. }, None) => Err(AuthError::NotYourUser),
            (TargetUser::Any(_), _) => Ok(()),
        }
    }

    /// Whether the result of [`Target::judge`] still holds for the row that was locked since. The
    /// caller may have lost its identity, its token or its permission to write.
    pub fn still_means(&self, user: &User) -> bool {
        match &self.0 {
            TargetUser::Any(RequestedUser { id, account, .. }) => {
                user.id == *id
                    && account.as_ref().is_none_or(|account| user.identity(account).is_some())
            }
            TargetUser::Own { caller, .. } => {
                user.is_meant_by(&caller.named)
                    && !user.blocked
                    && !user.has_withdrawn(&caller.named, &caller.stamp)
                    && !user.only_reads(&caller.named, &caller.stamp)
            }
        }
    }

    /// Refuses a caller whose fresh sign-in was at an identity that an old sign-in added. `user` is
    /// the locked row of the caller's user. `before` selects the identities that need a better
    /// sign-in.
    ///
    /// # Errors
    /// [`AuthError::ReauthenticationRequired`].
    pub fn expect_vouched(
        &self,
        user: &User,
        before: impl Fn(&Identity) -> bool,
    ) -> Result<(), AuthError> {
        let TargetUser::Own { caller, .. } = &self.0 else { return Ok(()) };
        let first_doubt = match &caller.named {
            UserRef::Identity(id) if user.is_vouched(id) => None,
            UserRef::Identity(id) => user.identity(id).map(|identity| identity.ordinal),
            // The token does not show at which account the person signed in.
            UserRef::UserId(_) => {
                let doubtful =
                    user.identities.iter().filter(|identity| !user.is_vouched(&identity.id));
                doubtful.map(|identity| identity.ordinal).min()
            }
        };
        let touches = |ordinal| user.identities.iter().any(|of| of.ordinal < ordinal && before(of));
        if first_doubt.is_some_and(touches) {
            Err(AuthError::ReauthenticationRequired)
        } else {
            Ok(())
        }
    }

    /// The identities for which the caller's sign-in vouches, if it is at most ten minutes old.
    /// `user` is the locked row of the caller's user.
    pub fn vouches_for(&self, user: &User, now: DateTime<Utc>) -> Vec<IdentityRef> {
        match &self.0 {
            TargetUser::Own { caller, .. } if caller.signed_in_within(RECENT_SIGN_IN, now) => {
                match &caller.named {
                    UserRef::Identity(id) => user.vouched_for_by(id),
                    UserRef::UserId(_) => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    }

    /// Whether the caller vouches for what it links. A service does. A user does by a sign-in of
    /// the last ten minutes that needs no other to vouch for it.
    pub fn vouches(&self, user: &User, now: DateTime<Utc>) -> bool {
        match &self.0 {
            TargetUser::Own { caller, .. } => {
                caller.signed_in_within(RECENT_SIGN_IN, now)
                    && self.expect_vouched(user, |_| true).is_ok()
            }
            TargetUser::Any(_) => true,
        }
    }
}
