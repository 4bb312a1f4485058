//! Carrying out what providers report of their accounts: the end of a session, and what happened to
//! an account. Both transports verify the provider's token here, and carry it out here.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Counted, Error, UseCases, WriteUseCase};
use crate::{
    auth::{AuthError, EventToken, EventTokenError, EventTokenKind, Permit},
    domain::{
        DomainError, Event, IdentityRef, Provider, ProviderEvent, ReportedEvent, TenantId, User,
        UserRef, error::EventTokenProblem,
    },
    oauth::{Client, EventSettings},
    secret::sha256,
    store::{Actor, ActorKind, LockKeys, Session, TokenUsed, UsedEventToken},
};

/// Carries out a verified token of a provider.
pub struct ReceiveEvents {
    permit: Permit,
    provider: Provider,
    token: EventToken,
    token_hash: [u8; 32],
    kind: EventTokenKind,
    withdraws_tokens: bool,
}

/// What a token did.
pub struct ReceivedEvents(Vec<(&'static str, &'static str)>);

impl UseCases {
    /// What becomes of tokens by which this provider reports events, which it itself sent if they are
    /// `pushed`.
    ///
    /// # Errors
    /// [`DomainError::ProviderUnknown`]; [`DomainError::ProviderEventsOff`] if such tokens are not
    /// accepted by this way.
    fn event_settings(
        &self,
        (tenant, provider): (&TenantId, &Provider),
        pushed: bool,
    ) -> Result<(&Client, &EventSettings), DomainError> {
        let client = self.clients.get(tenant, provider).ok_or(DomainError::ProviderUnknown)?;
        let settings = client.settings().events();
        let settings = settings.filter(|settings| !pushed || settings.is_pushed);
        Ok((client, settings.ok_or(DomainError::ProviderEventsOff)?))
    }

    /// Whether this provider may send tokens itself.
    pub fn takes_pushes(&self, tenant: &TenantId, provider: &Provider) -> bool {
        self.event_settings((tenant, provider), true).is_ok()
    }

    /// Verifies a token by which a provider reports events, before anything is read of the database.
    /// The permit is a service's; `None` where the provider itself sent the token.
    ///
    /// # Errors
    /// [`DomainError::ProviderUnknown`]; [`DomainError::ProviderEventsOff`] if such tokens are not
    /// accepted by this way; [`DomainError::EventTokenInvalid`];
    /// [`DomainError::ProviderUnavailable`] if the provider's keys cannot be read.
    pub async fn verified_events(
        &self,
        (tenant, provider): (&TenantId, Provider),
        (kind, token): (EventTokenKind, &str),
        permit: Option<Permit>,
        now: DateTime<Utc>,
    ) -> Result<ReceiveEvents, DomainError> {
        let (client, settings) = self.event_settings((tenant, &provider), permit.is_none())?;
        let verified = client.verify_events(token, kind, now).await;
        let verified = verified.map_err(|error| {
            let (cause, refusal) = refused(&error);
            let kind = kind.as_str();
            tracing::debug!(%tenant, %provider, kind, cause, "a provider's token was not accepted");
            let outcome =
                if refusal == DomainError::ProviderUnavailable { "unavailable" } else { "refused" };
            self.metrics.provider_events.received(
                tenant.as_str(),
                provider.as_str(),
                kind,
                outcome,
            );
            refusal
        })?;
        let permit = permit.unwrap_or_else(|| {
            Permit::of_provider(tenant.clone(), &verified.issuer, provider.clone())
        });
        Ok(ReceiveEvents {
            permit,
            provider,
            token: verified,
            token_hash: sha256(token.as_bytes()),
            kind,
            withdraws_tokens: settings.withdraws_tokens,
        })
    }
}

/// The cause for the log, and the refusal.
fn refused(error: &EventTokenError) -> (&'static str, DomainError) {
    match error {
        EventTokenError::Unverified(AuthError::KeysUnavailable) => {
            ("its keys are unavailable", DomainError::ProviderUnavailable)
        }
        EventTokenError::Unverified(AuthError::TokenInvalid(cause)) => {
            (cause, DomainError::EventTokenInvalid(EventTokenProblem::Invalid))
        }
        EventTokenError::Unverified(_) => (
            "it was denied like a bearer",
            DomainError::EventTokenInvalid(EventTokenProblem::Invalid),
        ),
        EventTokenError::Content(problem) => {
            (problem.advice(), DomainError::EventTokenInvalid(*problem))
        }
    }
}

impl WriteUseCase for ReceiveEvents {
    type Output = ReceivedEvents;

    const RPC: &'static str = "ReceiveEvents";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<ReceivedEvents, Error> {
        let accounts = self.accounts();
        if accounts.is_empty() {
            return Ok(ReceivedEvents(vec![(self.kind.as_str(), "ignored")]));
        }
        let mut owners = Vec::with_capacity(accounts.len());
        let mut keys = LockKeys::default();
        for account in accounts.keys() {
            let owner = session.user_by_identity(account).await?.map(|user| user.id);
            keys = owner.iter().fold(keys.identity(account), LockKeys::user);
            owners.push(owner);
        }
        let locked = session.begin_locked(&keys).await?;
        match session.use_event_token(&self.remembered()).await? {
            TokenUsed::Now => {}
            TokenUsed::Before => {
                return Ok(ReceivedEvents(vec![(self.kind.as_str(), "repeated")]));
            }
            TokenUsed::ByAnother => {
                return Err(DomainError::EventTokenInvalid(EventTokenProblem::JtiReused).into());
            }
        }
        let mut done = Vec::new();
        for ((account, events), owner) in accounts.iter().zip(owners) {
            // Read again while holding the locks: a sign-in or a link may have given it an owner.
            let user = session.user_by_identity(account).await?;
            if user.as_ref().map(|user| &user.id) != owner.as_ref() {
                return Err(Error::Stale);
            }
            match user {
                Some(user) => done.extend(self.carry_out(session, account, &user, events, locked)),
                None => done.extend(self.carry_out_unowned(session, account, events)),
            }
        }
        Ok(ReceivedEvents(done))
    }

    fn concerned(_: &ReceivedEvents) -> Vec<UserRef> {
        Vec::new()
    }

    fn counted(&self, _: &UseCases, ReceivedEvents(done): &ReceivedEvents) -> Option<Counted> {
        let (tenant, provider) = (self.permit.tenant().clone(), self.provider.clone());
        let done = done.clone();
        Some(Box::new(move |metrics| {
            for (what, outcome) in done {
                metrics.provider_events.received(tenant.as_str(), provider.as_str(), what, outcome);
            }
        }))
    }
}

impl ReceiveEvents {
    /// The permit of the call, which may get a slot.
    pub fn permit_mut(&mut self) -> &mut Permit {
        &mut self.permit
    }

    /// The accounts that the token is about, with what it reports of each.
    fn accounts(&self) -> BTreeMap<IdentityRef, Vec<ProviderEvent>> {
        let mut accounts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ReportedEvent { subject, what } in &self.token.events {
            let account = IdentityRef { provider: self.provider.clone(), subject: subject.clone() };
            accounts.entry(account).or_default().push(*what);
        }
        accounts
    }

    /// The token, as it is remembered. The same issuer may stand behind two providers of a tenant, whose
    /// accounts are apart.
    fn remembered(&self) -> UsedEventToken {
        let EventToken { issuer, jti, remembered_until, .. } = &self.token;
        let kind = self.kind.as_str();
        UsedEventToken {
            jti_hash: sha256(format!("{kind}\0{}\0{issuer}\0{jti}", self.provider).as_bytes()),
            token_hash: self.token_hash,
            expire_time: *remembered_until,
        }
    }

    /// Tokens that were issued before this are refused. Tokens have whole seconds: one of the same
    /// second may be older than the event, and counts as older.
    fn bound(&self) -> DateTime<Utc> {
        self.token.issued_at + TimeDelta::seconds(1)
    }

    fn carry_out(
        &self,
        session: &mut Session,
        account: &IdentityRef,
        user: &User,
        events: &[ProviderEvent],
        locked: DateTime<Utc>,
    ) -> Vec<(&'static str, &'static str)> {
        let (now, actor) = (locked.max(user.update_time), self.actor());
        let mut done = Vec::with_capacity(events.len());
        for what in events {
            let (event, outcome) = match *what {
                ProviderEvent::Logout => {
                    session.end_tokens_of(account, self.bound());
                    session.forget_sign_ins_of(account, self.bound());
                    let (user, identity) = (user.id.clone(), account.clone());
                    (Event::IdentityLoggedOut { user, identity }, "withdrawn")
                }
                ProviderEvent::Account(event) => {
                    if event.ends_tokens_of_provider() {
                        session.drop_tokens(account, self.bound());
                    }
                    let withdrawn = self.withdraws_tokens && event.withdraws_tokens();
                    if withdrawn {
                        session.withdraw_tokens_of(&user.id, self.bound());
                        // The account may leave the user, and take its tokens along.
                        session.end_tokens_of(account, self.bound());
                        session.forget_sign_ins_of(account, self.bound());
                    }
                    let (user, identity) = (user.id.clone(), account.clone());
                    let event = Event::AccountEventReported { user, identity, event, withdrawn };
                    (event, if withdrawn { "withdrawn" } else { "reported" })
                }
            };
            session.record(actor.clone(), event, now);
            done.push((what.as_str(), outcome));
        }
        done
    }

    /// The same for an account without an owner. A token of it must not count for the owner that it gets
    /// next.
    fn carry_out_unowned(
        &self,
        session: &mut Session,
        account: &IdentityRef,
        events: &[ProviderEvent],
    ) -> Vec<(&'static str, &'static str)> {
        let ends_tokens = events.iter().any(|what| match what {
            ProviderEvent::Logout => true,
            ProviderEvent::Account(event) => self.withdraws_tokens && event.withdraws_tokens(),
        });
        if ends_tokens {
            session.end_tokens_of_unowned(account, self.token.issued_at);
            session.forget_sign_ins_of(account, self.bound());
        }
        events.iter().map(|what| (what.as_str(), "no_user")).collect()
    }

    /// The provider, whichever way its token came.
    fn actor(&self) -> Actor {
        Actor {
            kind: ActorKind::Provider,
            issuer: self.token.issuer.clone(),
            subject: self.provider.to_string(),
            reason: None,
        }
    }
}
