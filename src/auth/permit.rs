//! Permission as a value: what has a [`Permit`] passed the access table, and a [`Target`] can
//! only be made from one.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OwnedSemaphorePermit;

use super::{Denial, VerifiedToken, Who};
pub use crate::domain::sign_in::RECENT_SIGN_IN;
use crate::domain::{Identity, IdentityRef, Named, Refusal, Standing, TenantId, TokenHash, TokenStamp, User, UserId};

/// The permission of a caller to make a call in a tenant.
#[derive(Debug, Clone)]
pub struct Permit {
    tenant: TenantId,
    caller: Caller,
    expire_time: DateTime<Utc>,
    /// The call's permit of the concurrency limit.
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

/// The caller of a call.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A user, for itself.
    User(UserCaller),
    /// A service, by scope.
    Service {
        /// The issuer of its token.
        issuer: String,
        /// The service, as that issuer names it.
        subject: String,
    },
}

/// A user that calls for itself.
#[derive(Debug, Clone)]
pub struct UserCaller {
    /// The user or identity that the token names.
    pub named: Named,
    /// The issuer of the token.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// The token's time of issue and hash.
    pub stamp: TokenStamp,
    /// When the person last signed in; `None` if the token does not prove it and its issuer's tokens must.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// The client that the token was issued to, if it says so.
    pub authorized_party: Option<String>,
}

/// What a call does with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To read it.
    Read,
    /// To change it.
    Write,
    /// Changes which identities can sign in as it. The sign-in must be no older than this.
    FreshWrite(TimeDelta),
    /// Changes it irreversibly. The sign-in must be at most ten minutes old.
    FinalWrite,
}

impl Purpose {
    /// How old the sign-in may be at most; `None` for any age.
    fn max_sign_in_age(self) -> Option<TimeDelta> {
        match self {
            Self::Read | Self::Write => None,
            Self::FreshWrite(age) => Some(age),
            Self::FinalWrite => Some(RECENT_SIGN_IN),
        }
    }
}

/// The user of a call, not yet looked up.
#[derive(Debug, Clone)]
pub struct Target(Right);

#[derive(Debug, Clone)]
enum Right {
    /// The caller's own user; `requested` must turn out to be it.
    Own { caller: UserCaller, requested: Option<UserId> },
    /// Any user of the tenant.
    Any(UserId),
    /// Any user of the tenant, by an id that contains the account of which it was made. The account must still be the
    /// user's.
    Account(UserId, IdentityRef),
}

impl Caller {
    pub(super) fn of(token: &VerifiedToken) -> Self {
        match &token.who {
            Who::User(named) => Self::User(UserCaller {
                named: named.clone(),
                issuer: token.issuer.clone(),
                subject: token.subject.clone(),
                stamp: token.stamp(),
                authenticated_at: token.authenticated_at,
                authorized_party: token.authorized_party.clone(),
            }),
            Who::Service => Self::Service { issuer: token.issuer.clone(), subject: token.subject.clone() },
        }
    }

    /// Issuer and subject of the token.
    pub fn issuer_and_subject(&self) -> (&str, &str) {
        match self {
            Self::User(UserCaller { issuer, subject, .. }) | Self::Service { issuer, subject } => (issuer, subject),
        }
    }
}

impl Permit {
    pub(super) fn new(tenant: TenantId, caller: Caller, expire_time: DateTime<Utc>) -> Self {
        Self { tenant, caller, expire_time, _place: None }
    }

    /// Holds the call's permit of the concurrency limit until the last copy of this permit is dropped. A write whose
    /// client has disconnected thus stays counted.
    pub fn keep(&mut self, place: OwnedSemaphorePermit) {
        self._place = Some(Arc::new(place));
    }

    /// The same permission under the concurrency permit of another call: for a call that a service makes on behalf of
    /// this caller.
    #[must_use]
    pub fn in_place_of(self, other: &Self) -> Self {
        Self { _place: other._place.clone(), ..self }
    }

    /// The tenant that the call is about.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// When the token expires. A call that runs longer ends then.
    pub fn expire_time(&self) -> DateTime<Utc> {
        self.expire_time
    }

    /// Whether a service calls.
    pub fn is_service(&self) -> bool {
        matches!(self.caller, Caller::Service { .. })
    }

    /// What the caller is, `user` or `service`: one issuer may give tokens of both to one subject.
    pub fn kind(&self) -> &'static str {
        if self.is_service() { "service" } else { "user" }
    }

    /// Turns user tokens away from `what`, which only services may do.
    pub fn services_only(&self, what: &str) -> Result<(), Denial> {
        if self.is_service() { Ok(()) } else { Err(Denial::ScopeInsufficient(format!("a user token may not {what}"))) }
    }

    /// The user of the call. A service names the user; for a user token, no id means its own user.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if a service names no user.
    pub fn target(&self, requested: Option<UserId>) -> Result<Target, Denial> {
        match (&self.caller, requested) {
            (Caller::User(caller), requested) => Ok(Target(Right::Own { caller: caller.clone(), requested })),
            (Caller::Service { .. }, Some(id)) => Ok(Target(Right::Any(id))),
            (Caller::Service { .. }, None) => {
                Err(Refusal::invalid("user_id", "is required: a service has no user of its own").into())
            }
        }
    }

    /// The same, by an id of the form `provider|subject` that the caller takes for an account. Such an id stays with
    /// its user when the account leaves. It then resolves to no user.
    ///
    /// # Errors
    /// Those of [`Permit::target`].
    pub fn target_of_account(&self, id: UserId) -> Result<Target, Denial> {
        match (&self.caller, IdentityRef::parse_joined(id.as_str())) {
            (Caller::Service { .. }, Some(account)) => Ok(Target(Right::Account(id, account))),
            _ => self.target(Some(id)),
        }
    }
}

impl Target {
    /// The id that a service named. The user with this id may be read without [`Target::judge`].
    pub fn named_by_service(&self) -> Option<&UserId> {
        match &self.0 {
            Right::Any(id) | Right::Account(id, _) => Some(id),
            Right::Own { .. } => None,
        }
    }

    /// Whether the user that was read by [`Target::named_by_service`] is the one that the service meant.
    pub fn is_surely(&self, user: &User) -> bool {
        match &self.0 {
            Right::Any(_) => true,
            Right::Account(_, account) => user.identity(account).is_some(),
            Right::Own { .. } => false,
        }
    }

    /// The names to look up before [`Target::judge`].
    pub fn names(&self) -> Vec<Named> {
        match &self.0 {
            Right::Own { caller, requested } => {
                let requested = requested.clone().map(Named::UserId);
                [caller.named.clone()].into_iter().chain(requested).collect()
            }
            Right::Any(id) => vec![Named::UserId(id.clone())],
            Right::Account(id, account) => vec![Named::UserId(id.clone()), Named::Identity(account.clone())],
        }
    }

    /// The caller's own token, which is the first of [`Target::names`].
    pub fn token(&self) -> Option<TokenHash> {
        match &self.0 {
            Right::Own { caller, .. } => Some(caller.stamp.hash),
            Right::Any(_) | Right::Account(..) => None,
        }
    }

    /// Judges what was found for [`Target::names`], in that order: the id of the live user that
    /// the call is about.
    pub fn judge(&self, found: &[Option<Standing>], purpose: Purpose, now: DateTime<Utc>) -> Result<UserId, Denial> {
        let first = found.first().and_then(Option::as_ref).ok_or(Refusal::UserNotFound)?;
        match &self.0 {
            Right::Account(..) if found.get(1).and_then(Option::as_ref).is_none_or(|of| of.holder != first.holder) => {
                Err(Refusal::UserNotFound.into())
            }
            Right::Any(_) | Right::Account(..) if purpose != Purpose::Read && first.absorbed.is_some() => {
                Err(Refusal::UserAbsorbed.into())
            }
            Right::Any(_) | Right::Account(..) => Ok(first.holder.clone()),
            Right::Own { caller, requested } => {
                let second = found.get(1).and_then(Option::as_ref);
                caller.judge(first, requested.as_ref().map(|id| (id, second)), purpose, now)
            }
        }
    }

    /// Judges only the caller, by the lookups of [`Target::names`]: whether it may get a stored response. The target
    /// was judged with the first response. The second argument is the live user that now holds the caller of that
    /// time; `None` if it does not matter.
    ///
    /// # Errors
    /// [`Denial::NotYourUser`] if the caller is another user now, and those of [`Target::judge`].
    pub fn judge_caller(
        &self,
        found: &[Option<Standing>],
        told: Option<&UserId>,
        now: DateTime<Utc>,
    ) -> Result<(), Denial> {
        match (&self.0, found.first().and_then(Option::as_ref)) {
            // The call itself may have caused this, by releasing the last account that the caller's absorbed user had
            // brought.
            (Right::Own { caller, .. }, Some(own))
                if told.is_none() && !own.has_identity && !own.has_withdrawn_tokens_of(caller.stamp.issued_at) =>
            {
                Ok(())
            }
            (Right::Own { caller, .. }, Some(own)) => {
                let own = caller.judge(own, None, Purpose::Read, now)?;
                if told.is_none_or(|told| *told == own) { Ok(()) } else { Err(Denial::NotYourUser) }
            }
            // The call itself may have caused this, by deleting the caller's user or releasing its account.
            (Right::Own { .. }, None) if told.is_none() => Ok(()),
            (Right::Own { .. }, None) => Err(Denial::NotYourUser),
            (Right::Any(_) | Right::Account(..), _) => Ok(()),
        }
    }

    /// Whether the result of [`Target::judge`] still holds for the row that was locked since. The caller may have
    /// lost its identity, its token or its permission to write.
    pub fn still_means(&self, user: &User) -> bool {
        match &self.0 {
            Right::Any(id) => user.id == *id,
            Right::Account(id, account) => user.id == *id && user.identity(account).is_some(),
            Right::Own { caller, .. } => {
                user.is_meant_by(&caller.named)
                    && !user.blocked
                    && !user.has_withdrawn(&caller.stamp)
                    && !user.only_reads(&caller.named, &caller.stamp)
            }
        }
    }

    /// Refuses a caller whose fresh sign-in was at an identity that an old sign-in added. `user` is the locked row of
    /// the caller's user. `before` selects the identities that need a better sign-in.
    ///
    /// # Errors
    /// [`Denial::ReauthenticationRequired`].
    pub fn expect_vouched(&self, user: &User, before: impl Fn(&Identity) -> bool) -> Result<(), Denial> {
        let Right::Own { caller, .. } = &self.0 else { return Ok(()) };
        let first_doubt = match &caller.named {
            Named::Identity(id) if user.is_vouched(id) => None,
            Named::Identity(id) => user.identity(id).map(|identity| identity.ordinal),
            // The token does not show at which account the person signed in.
            Named::UserId(_) => {
                let doubtful = user.identities.iter().filter(|identity| !user.is_vouched(&identity.id));
                doubtful.map(|identity| identity.ordinal).min()
            }
        };
        let touches = |ordinal| user.identities.iter().any(|of| of.ordinal < ordinal && before(of));
        if first_doubt.is_some_and(touches) { Err(Denial::ReauthenticationRequired) } else { Ok(()) }
    }

    /// The identities for which the caller's sign-in vouches, if it is at most ten minutes old. `user` is the locked
    /// row of the caller's user.
    pub fn vouches_for(&self, user: &User, now: DateTime<Utc>) -> Vec<IdentityRef> {
        match &self.0 {
            Right::Own { caller, .. } if caller.signed_in_within(RECENT_SIGN_IN, now) => match &caller.named {
                Named::Identity(id) => user.vouched_for_by(id),
                Named::UserId(_) => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Whether the caller vouches for what it links. A service does. A user does by a sign-in of the last ten minutes
    /// that needs no other to vouch for it.
    pub fn vouches(&self, user: &User, now: DateTime<Utc>) -> bool {
        match &self.0 {
            Right::Own { caller, .. } => {
                caller.signed_in_within(RECENT_SIGN_IN, now) && self.expect_vouched(user, |_| true).is_ok()
            }
            Right::Any(_) | Right::Account(..) => true,
        }
    }
}

impl UserCaller {
    fn judge(
        &self,
        own: &Standing,
        requested: Option<(&UserId, Option<&Standing>)>,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<UserId, Denial> {
        if own.has_withdrawn_tokens_of(self.stamp.issued_at) {
            return Err(Denial::TokenInvalid("issued before the user's tokens_valid_from"));
        }
        if !own.has_identity {
            return Err(Denial::TokenInvalid("names a user without an account that can sign in"));
        }
        if own.blocked {
            return Err(Denial::CallerBlocked);
        }
        if let Some((id, found)) = requested {
            let found = found.filter(|found| found.holder == own.holder).ok_or(Denial::NotYourUser)?;
            if purpose != Purpose::Read && found.absorbed.is_some() && *id != own.named {
                return Err(Refusal::UserAbsorbed.into());
            }
        }
        if purpose != Purpose::Read && own.only_reads(self.stamp.issued_at) {
            return Err(Denial::ReauthenticationRequired);
        }
        if purpose.max_sign_in_age().is_some_and(|age| !self.signed_in_within(age, now)) {
            return Err(Denial::ReauthenticationRequired);
        }
        Ok(own.holder.clone())
    }

    fn signed_in_within(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        self.authenticated_at.is_some_and(|time| time >= now - age)
    }
}
