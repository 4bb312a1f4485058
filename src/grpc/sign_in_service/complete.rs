//! `CompleteSignIn`: from the message to its result. The requests to the provider are in
//! `exchange.rs`.

use std::mem::take;

use chrono::{DateTime, Utc};

use super::{MAX_URI, SignInHandler, exchange::FlowAccount, with_ticket};
use crate::{
    auth::{Permit, Target},
    clock,
    domain::{DomainError, linking::LinkTerms, merge::Strategy},
    grpc::{identity_service::linked, proto as pb, requests::Checks, responses},
    store::AttemptKey,
    use_cases::{
        Error, Link, LinkResult, MERGE_APP_METADATA, RequestId, Secondary, SignIn, SignInProof,
        SignInResult, TicketText,
    },
};

/// The longest state or secret that is looked up, in bytes.
const MAX_NAME: usize = 128;
/// The longest code that is exchanged, in bytes.
const MAX_CODE: usize = 4096;
/// The longest `iss` or `error` that is read, in bytes.
const MAX_PARAMETER: usize = 2048;

/// A checked call that finishes a flow.
pub(super) struct Completion {
    /// The backend's permit.
    pub permit: Permit,
    /// The user that finishes a link; `None` for a sign-in.
    pub linking_user: Option<LinkingUser>,
    /// The id under which the call may be repeated; `None` if it may not.
    pub request_id: Option<RequestId>,
    /// The name of the attempt.
    pub name: AttemptKey,
    /// The request, with what the browser brought back.
    pub request: pb::CompleteSignInRequest,
    /// When the call began.
    pub now: DateTime<Utc>,
    /// The ticket that the call may issue.
    ticket: TicketText,
}

/// The user that finishes a link: its permit, the target user, and the terms.
pub(super) struct LinkingUser {
    pub permit: Permit,
    pub target: Target,
    terms: LinkTerms,
}

impl Completion {
    /// The name under which this request claims an attempt; `None` if the call cannot be repeated.
    pub(super) fn claim(&self) -> Option<[u8; 32]> {
        self.request_id.map(|request_id| request_id.digest(&self.permit))
    }
}

impl SignInHandler {
    pub(super) async fn complete(
        &self,
        permit: Permit,
        request: pb::CompleteSignInRequest,
    ) -> Result<pb::CompleteSignInResponse, Error> {
        let completion = self.checked(permit, request).await?;
        let handler = self.clone();
        // Runs to its end even if the client goes away: the provider accepts a code only once. The
        // permits move along, so the call keeps its slot.
        self.use_cases.run_to_end(async move { handler.carry_out(completion).await }).await
    }

    async fn checked(
        &self,
        permit: Permit,
        mut request: pb::CompleteSignInRequest,
    ) -> Result<Completion, Error> {
        let now = clock::now();
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        // A preview takes a request id too, because it uses the attempt up.
        let request_id = checks.request_id("request_id", &id, &request, false);
        let terms = check(checks, &request)?;
        let linking_user = match request.user_token.as_str() {
            "" => None,
            token => {
                let permit = self.use_cases.permit_link(&permit, token, now).await?;
                if terms.app_metadata != Strategy::KeepPrimary {
                    // Checked now: later, the refusal would have used the attempt up.
                    permit.services_only(MERGE_APP_METADATA)?;
                }
                Some(LinkingUser { target: permit.target(None)?, permit, terms })
            }
        };
        let key = self.use_cases.store().key(permit.tenant())?;
        let ticket = TicketText::for_attempt(key, &request.state, &request.attempt_secret);
        let name = AttemptKey::new(&request.state, &request.attempt_secret);
        Ok(Completion { permit, linking_user, request_id, name, request, now, ticket })
    }

    async fn carry_out(&self, completion: Completion) -> Result<pb::CompleteSignInResponse, Error> {
        let ticket = completion.ticket.clone();
        let mut response = match self.flow_account(&completion).await {
            Ok(Some(account)) => self.decide(completion, account).await?,
            // The attempt may be used up, or the user's token withdrawn, because this very call
            // succeeded before.
            Ok(None) => {
                self.stored_response(&completion).await?.ok_or(DomainError::SignInInvalid)?
            }
            Err(error) => self.stored_response(&completion).await?.ok_or(error)?,
        };
        if response.ticket_expire_time.is_some() {
            ticket.as_str().clone_into(&mut response.ticket);
        }
        if let Some(pb::complete_sign_in_response::Result::Decision(decision)) =
            &mut response.result
        {
            with_ticket(decision, &ticket);
        }
        Ok(response)
    }

    /// The response that this very call got before.
    async fn stored_response(
        &self,
        completion: &Completion,
    ) -> Result<Option<pb::CompleteSignInResponse>, Error> {
        let Completion { permit, linking_user, request_id, .. } = completion;
        match linking_user {
            Some(LinkingUser { permit, target, .. }) => {
                self.use_cases.stored_response::<Link, _>(permit, target, *request_id).await
            }
            None => {
                self.use_cases.stored_response_for_service::<SignIn, _>(permit, *request_id).await
            }
        }
    }

    /// Signs in, or links. A preview does neither, and issues a ticket.
    async fn decide(
        &self,
        completion: Completion,
        account: FlowAccount,
    ) -> Result<pb::CompleteSignInResponse, Error> {
        use pb::complete_sign_in_response::Result as PbResult;
        let Completion { permit, linking_user, request_id, request, now, ticket, .. } = completion;
        let (validate_only, ticket) = (request.validate_only, Some(ticket.hash()));
        let Some(LinkingUser { permit, target, terms }) = linking_user else {
            let proof = match account {
                FlowAccount::Fresh(account, proven_at) => {
                    SignInProof::Account { account, proven_at }
                }
                FlowAccount::Stored(proven) => SignInProof::Stored(proven),
            };
            let reply = move |mut result: SignInResult| {
                let of_preview =
                    if validate_only { result.ticket_expire_time.take() } else { None };
                let decision = PbResult::Decision(responses::decision(result, validate_only));
                previewed(decision, of_preview)
            };
            return self
                .use_cases
                .run(SignIn { permit, proof, validate_only, ticket }, request_id, reply)
                .await;
        };
        let secondary = match account {
            FlowAccount::Fresh(account, _) => Secondary::Account(account),
            FlowAccount::Stored(proven) => Secondary::StoredAccount(proven),
        };
        let link = Link { permit, target, secondary, terms, validate_only, ticket, now };
        let reply = move |result: LinkResult| {
            let of_preview = result.ticket_expire_time;
            previewed(PbResult::Link(linked(result, validate_only)), of_preview)
        };
        self.use_cases.run(link, request_id, reply).await
    }
}

/// The result as a response; for a preview, with the time until which its ticket is valid.
fn previewed(
    result: pb::complete_sign_in_response::Result,
    ticket_expire_time: Option<DateTime<Utc>>,
) -> pb::CompleteSignInResponse {
    let ticket_expire_time = ticket_expire_time.map(responses::time);
    pb::CompleteSignInResponse { result: Some(result), ticket: String::new(), ticket_expire_time }
}

fn check(
    mut checks: Checks,
    request: &pb::CompleteSignInRequest,
) -> Result<LinkTerms, DomainError> {
    checks.required("attempt_secret", &request.attempt_secret, MAX_NAME);
    checks.required("state", &request.state, MAX_NAME);
    if request.code.is_empty() == request.error.is_empty() {
        checks.report(
            "code",
            "exactly one of code and error is required: the parameters of the redirect",
        );
    }
    checks.bounded("code", &request.code, MAX_CODE);
    checks.bounded("iss", &request.iss, MAX_PARAMETER);
    checks.bounded("error", &request.error, MAX_PARAMETER);
    checks.required("redirect_uri", &request.redirect_uri, MAX_URI);
    if request.link.is_some() && request.user_token.is_empty() {
        checks.report("link", "needs user_token: a sign-in links nothing");
    }
    let terms = checks.link_terms("link.", request.link.unwrap_or_default());
    checks.into_result_with(Some(terms))
}
