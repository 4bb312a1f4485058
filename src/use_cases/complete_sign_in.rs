//! Completing a flow at a provider: by a sign-in, or by a link to the user that started it.

mod exchange;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::exchange::FlowAccount;
use super::{
    Error, LinkResult, MERGE_APP_METADATA, Reply, RequestId, SignIn, SignInProof, SignInResult,
    TicketText, UseCases,
    flow::LinkingUser,
    link::{LinkWrite, SecondarySide},
};
use crate::{
    auth::Permit,
    domain::{DomainError, linking::LinkTerms, merge::Strategy},
    oauth::AuthorizationResponse,
    store::AttemptKey,
};

/// Completes a flow at a provider.
pub struct CompleteSignIn {
    /// The backend's permit.
    pub permit: Permit,
    /// The secret of the attempt, which the browser kept.
    pub attempt_secret: String,
    /// The state of the attempt, which the provider sent back.
    pub state: String,
    /// The redirect URI at which the browser came back.
    pub redirect_uri: String,
    /// What the browser brought back; `Err` with the value of the parameter `error`.
    pub authorization: Result<AuthorizationResponse, String>,
    /// The link for which the flow was started; `None` for a sign-in.
    pub link: Option<FlowLink>,
    /// Whether this is a preview, which neither signs in nor links. It uses the attempt up, and
    /// issues a ticket to continue with.
    pub validate_only: bool,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The link for which a flow was started.
pub struct FlowLink {
    /// The token of the user to which the account is linked.
    pub user_token: String,
    /// The terms of the link.
    pub terms: LinkTerms,
}

/// The result of a completed flow.
pub enum CompletedSignIn {
    /// Of a sign-in.
    SignIn(Box<SignInResult>),
    /// Of a link.
    Link(Box<LinkResult>),
}

impl CompleteSignIn {
    /// Completes the flow; `reply` builds the response. Returns it with the text of the ticket that
    /// the call may have issued: a stored response is without that text.
    ///
    /// # Errors
    /// [`DomainError::SignInInvalid`] if the attempt is unknown, expired, used or another caller's;
    /// those of the flow, and of the sign-in or the link.
    pub async fn execute<R: Reply>(
        self,
        use_cases: &Arc<UseCases>,
        request_id: Option<RequestId>,
        reply: impl Fn(CompletedSignIn) -> R + Send + Sync + 'static,
    ) -> Result<(R, TicketText), Error> {
        let completion = Box::pin(self.permitted(Arc::clone(use_cases), request_id)).await?;
        let ticket = completion.ticket.clone();
        // Runs to its end even if the client goes away: the provider accepts a code only once. The
        // permits move along, so the call keeps its slot.
        let response = use_cases.run_to_end(completion.carry_out(reply)).await?;
        Ok((response, ticket))
    }

    /// The completion, once the user of a link is permitted to make it.
    async fn permitted(
        self,
        use_cases: Arc<UseCases>,
        request_id: Option<RequestId>,
    ) -> Result<Completion, Error> {
        let Self { permit, attempt_secret, state, now, .. } = &self;
        let linking_user = match &self.link {
            None => None,
            Some(FlowLink { user_token, terms }) => {
                let user = use_cases.linking_user(permit, user_token, *now).await?;
                if terms.app_metadata != Strategy::KeepPrimary {
                    // Checked now: later, the refusal would have used the attempt up.
                    user.permit.services_only(MERGE_APP_METADATA)?;
                }
                Some(user)
            }
        };
        let key = use_cases.store.key(permit.tenant())?;
        let ticket = TicketText::for_attempt(key, state, attempt_secret);
        let name = AttemptKey::new(state, attempt_secret);
        let claim = request_id.map(|request_id| request_id.digest(permit));
        Ok(Completion { use_cases, complete: self, linking_user, request_id, name, claim, ticket })
    }
}

/// A call that completes a flow, and is permitted to.
struct Completion {
    use_cases: Arc<UseCases>,
    complete: CompleteSignIn,
    /// The user to which the account is linked; `None` for a sign-in.
    linking_user: Option<LinkingUser>,
    /// The id under which the call may be repeated; `None` if it may not.
    request_id: Option<RequestId>,
    /// The name of the attempt.
    name: AttemptKey,
    /// The name under which this request claims the attempt; `None` if the call cannot be repeated.
    claim: Option<[u8; 32]>,
    /// The ticket that the call may issue.
    ticket: TicketText,
}

impl Completion {
    async fn carry_out<R: Reply>(
        self,
        reply: impl Fn(CompletedSignIn) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        // What follows is boxed, so that a flow that waits for its provider has no room for it yet.
        let error = match self.flow_account().await {
            Ok(Some(account)) => return Box::pin(self.decide(account, reply)).await,
            Ok(None) => DomainError::SignInInvalid.into(),
            Err(error) => error,
        };
        // The attempt may be used up, or the user's token withdrawn, because this very call succeeded
        // before.
        Box::pin(self.stored_response()).await?.ok_or(error)
    }

    /// The response that this very call got before.
    async fn stored_response<R: Reply>(&self) -> Result<Option<R>, Error> {
        let Self { use_cases, request_id, .. } = self;
        match &self.linking_user {
            Some(LinkingUser { permit, target }) => {
                use_cases.stored_response::<LinkWrite, _>(permit, target, *request_id).await
            }
            None => {
                let permit = &self.complete.permit;
                use_cases.stored_response_for_service::<SignIn, _>(permit, *request_id).await
            }
        }
    }

    /// Signs in, or links. A preview does neither, and issues a ticket.
    async fn decide<R: Reply>(
        self,
        account: FlowAccount,
        reply: impl Fn(CompletedSignIn) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        let Self { use_cases, complete, linking_user, request_id, ticket, .. } = self;
        let CompleteSignIn { permit, link, validate_only, now, .. } = complete;
        let ticket = Some(ticket.hash());
        match linking_user.zip(link) {
            None => {
                let proof = account.into_sign_in_proof();
                let sign_in = SignIn { permit, proof, validate_only, ticket };
                let reply = move |result| reply(CompletedSignIn::SignIn(Box::new(result)));
                use_cases.run(sign_in, request_id, reply).await
            }
            Some((LinkingUser { permit, target }, FlowLink { terms, .. })) => {
                let secondary = account.into_secondary();
                let link =
                    LinkWrite { permit, target, secondary, terms, validate_only, ticket, now };
                let reply = move |result| reply(CompletedSignIn::Link(Box::new(result)));
                use_cases.run(link, request_id, reply).await
            }
        }
    }
}

impl FlowAccount {
    fn into_sign_in_proof(self) -> SignInProof {
        match self {
            Self::Fresh(account, proven_at) => SignInProof::Account { account, proven_at },
            Self::Stored(proven) => SignInProof::Stored(proven),
        }
    }

    fn into_secondary(self) -> SecondarySide {
        match self {
            Self::Fresh(account, _) => SecondarySide::Account(account),
            Self::Stored(proven) => SecondarySide::StoredAccount(proven),
        }
    }
}
