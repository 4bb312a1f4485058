//! Permission as a value: what has a [`Permit`] passed the access table.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AuthError, StatedReason, TokenCaller, VerifiedBy, VerifiedToken, target::RequestedUser,
};
pub use crate::domain::sign_in::RECENT_SIGN_IN;
use crate::{
    call_slots::CallSlot,
    domain::{JobLease, Provider, TenantId, TokenStamp, UserId, UserRef, UserState, Verifier},
};

/// The permission of a caller to make a call in a tenant.
#[derive(Debug, Clone)]
pub struct Permit {
    tenant: TenantId,
    caller: Caller,
    expire_time: DateTime<Utc>,
    /// `None` without a token.
    verified_by: Option<VerifiedBy>,
    /// The call's slot among those that the server carries out at once.
    slot: Option<Arc<CallSlot>>,
    /// The lease of the job; `None` for a call.
    lease: Option<JobLease>,
    /// Why the caller makes a change; `None` if it does not say.
    reason: Option<Arc<StatedReason>>,
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
    /// The operator, by a command, without a token: it has access to the database itself.
    Operator,
    /// A provider, by a token that reports events of its accounts. It names no user.
    Provider {
        /// The issuer of its token.
        issuer: String,
        /// The provider.
        provider: Provider,
    },
}

/// A user that calls for itself.
#[derive(Debug, Clone)]
pub struct UserCaller {
    /// The user or identity that the token names.
    pub named: UserRef,
    /// The issuer of the token.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// The token's time of issue and hash.
    pub stamp: TokenStamp,
    /// When the person last signed in; `None` if the token does not prove it and its issuer's
    /// tokens must.
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

impl Caller {
    pub(super) fn from_token(token: &VerifiedToken) -> Self {
        match &token.caller {
            TokenCaller::User(named) => Self::User(UserCaller {
                named: named.clone(),
                issuer: token.issuer.clone(),
                subject: token.subject.clone(),
                stamp: token.stamp(),
                authenticated_at: token.authenticated_at,
                authorized_party: token.authorized_party.clone(),
            }),
            TokenCaller::Service => {
                Self::Service { issuer: token.issuer.clone(), subject: token.subject.clone() }
            }
        }
    }

    /// The caller as the verifier of the emails that it gives as verified. The operator's word is that
    /// of an import.
    pub fn verifier(&self) -> Verifier {
        match self {
            Self::User(user) => Verifier::Issuer(user.issuer.clone()),
            Self::Service { issuer, subject } => {
                Verifier::Service { issuer: issuer.clone(), subject: subject.clone() }
            }
            Self::Operator => Verifier::Import,
            // It gives none.
            Self::Provider { issuer, .. } => Verifier::Issuer(issuer.clone()),
        }
    }

    /// Issuer and subject of the token, which is the name of a provider; empty for the operator, who has
    /// none.
    pub fn issuer_and_subject(&self) -> (&str, &str) {
        match self {
            Self::User(UserCaller { issuer, subject, .. }) | Self::Service { issuer, subject } => {
                (issuer, subject)
            }
            Self::Operator => ("", ""),
            Self::Provider { issuer, provider } => (issuer, provider.as_str()),
        }
    }
}

impl Permit {
    /// The permission of this token's caller in one of its tenants.
    pub(super) fn new(tenant: TenantId, token: &VerifiedToken) -> Self {
        let (caller, verified_by) = (Caller::from_token(token), token.verified_by.clone());
        let (expire_time, verified_by) = (token.expires_at, Some(verified_by));
        Self { tenant, caller, expire_time, verified_by, slot: None, lease: None, reason: None }
    }

    /// The permission of a caller that has no token.
    fn without_token(tenant: TenantId, caller: Caller) -> Self {
        let expire_time = DateTime::<Utc>::MAX_UTC;
        Self {
            tenant,
            caller,
            expire_time,
            verified_by: None,
            slot: None,
            lease: None,
            reason: None,
        }
    }

    /// The permission of the operator in one of the configured tenants: for commands, never for a
    /// call. It may do what each service may.
    pub fn of_operator(tenant: TenantId) -> Self {
        Self::without_token(tenant, Caller::Operator)
    }

    /// The permission of the service that started a job, for that job. What is written under it commits
    /// only while the lease is held. The service's call was permitted by the scope for jobs.
    pub fn of_job(tenant: TenantId, issuer: &str, subject: &str, lease: JobLease) -> Self {
        let caller = Caller::Service { issuer: issuer.to_owned(), subject: subject.to_owned() };
        Self { lease: Some(lease), ..Self::without_token(tenant, caller) }
    }

    /// The permission of a provider whose token that reports events was verified, in the tenant whose
    /// client the token is for. It is for nothing but these events.
    pub fn of_provider(tenant: TenantId, issuer: &str, provider: Provider) -> Self {
        Self::without_token(tenant, Caller::Provider { issuer: issuer.to_owned(), provider })
    }

    /// The permission of a person that is signed in to the console, for a call that the access table
    /// permits by the person's role. It is that of a service with the person's issuer and subject.
    pub(super) fn of_staff(tenant: TenantId, issuer: &str, subject: &str) -> Self {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        Self::without_token(tenant, Caller::Service { issuer, subject })
    }

    /// The lease without which nothing is written; `None` for a call.
    pub fn lease(&self) -> Option<JobLease> {
        self.lease
    }

    /// The same permission for a change that is made for this reason.
    #[must_use]
    pub fn because(self, reason: Option<StatedReason>) -> Self {
        Self { reason: reason.map(Arc::new), ..self }
    }

    /// Why the caller makes a change; `None` if it does not say.
    pub fn reason(&self) -> Option<&StatedReason> {
        self.reason.as_deref()
    }

    /// Holds the call's slot until the last copy of this permit is dropped. A write whose client has
    /// disconnected thus stays counted.
    pub fn hold(&mut self, slot: CallSlot) {
        self.slot = Some(Arc::new(slot));
    }

    /// The call's slot; `None` for a call that takes none.
    pub fn slot(&self) -> Option<&Arc<CallSlot>> {
        self.slot.as_ref()
    }

    /// The same permission in the slot of another call: for a call that a service makes on behalf of
    /// this caller.
    #[must_use]
    pub fn in_slot_of(self, other: &Self) -> Self {
        Self { slot: other.slot.clone(), ..self }
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

    /// The keys with which the token was verified. A call that runs until they are replaced ends
    /// then. `None` without a token.
    pub fn verified_by(&self) -> Option<&VerifiedBy> {
        self.verified_by.as_ref()
    }

    /// Whether the caller may name any user, and does not act for a user of its own: a service, and
    /// the operator.
    pub fn is_service(&self) -> bool {
        match self.caller {
            Caller::Service { .. } | Caller::Operator => true,
            Caller::User(_) | Caller::Provider { .. } => false,
        }
    }

    /// What the caller is, `user`, `service`, `operator` or `provider`: one issuer may give tokens of both to one
    /// subject.
    pub fn kind(&self) -> &'static str {
        match self.caller {
            Caller::User(_) => "user",
            Caller::Service { .. } => "service",
            Caller::Operator => "operator",
            Caller::Provider { .. } => "provider",
        }
    }

    /// Turns user tokens away from `what`, which only services may do.
    pub fn services_only(&self, what: &str) -> Result<(), AuthError> {
        if self.is_service() {
            Ok(())
        } else {
            Err(AuthError::ScopeInsufficient(format!("a user token may not {what}")))
        }
    }
}

impl UserCaller {
    /// The caller's own user, by what was found for the token and for what it names beside.
    pub(super) fn judge(
        &self,
        own: &UserState,
        requested: Option<(&RequestedUser, Option<&UserState>)>,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> Result<UserId, AuthError> {
        if own.has_withdrawn_tokens_of(self.stamp.issued_at) {
            return Err(AuthError::TokenInvalid("issued before the user's tokens_valid_from"));
        }
        if !own.has_identity {
            return Err(AuthError::TokenInvalid(
                "names a user without an account that can sign in",
            ));
        }
        if own.blocked {
            return Err(AuthError::CallerBlocked);
        }
        if let Some((requested, found)) = requested {
            let found =
                found.filter(|found| found.holder == own.holder).ok_or(AuthError::NotYourUser)?;
            requested
                .expect_found(found.absorbed.is_some() && requested.id != own.named, purpose)?;
        }
        if purpose != Purpose::Read && own.only_reads(self.stamp.issued_at) {
            return Err(AuthError::ReauthenticationRequired);
        }
        if purpose.max_sign_in_age().is_some_and(|age| !self.signed_in_within(age, now)) {
            return Err(AuthError::ReauthenticationRequired);
        }
        Ok(own.holder.clone())
    }

    /// Whether this is the id of the account with which the caller signed in, or the user id that
    /// its token has. The `sub` may be the account without its provider: that would be the id of
    /// another.
    pub(super) fn is_named(&self, id: &str) -> bool {
        match &self.named {
            UserRef::Identity(account) => account.to_string() == id,
            UserRef::UserId(own) => own.as_str() == id,
        }
    }

    pub(super) fn signed_in_within(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        self.authenticated_at.is_some_and(|time| time >= now - age)
    }
}
