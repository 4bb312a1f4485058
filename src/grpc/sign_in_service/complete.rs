//! `CompleteSignIn`: from the message to its result. The requests to the provider are in `exchange.rs`.

use std::mem::take;

use chrono::{DateTime, Utc};

use super::{MAX_URI, SignInHandler, exchange::Whom, with_ticket};
use crate::{
    auth::{Permit, Target},
    clock,
    domain::{Refusal, linking::LinkTerms, merge::Strategy},
    grpc::{answers, identity_service::linked, proto as pb, requests::Checks},
    linking::{
        Error, Link, LinkAnswer, MERGE_APP_METADATA, RequestId, Secondary, SignIn, SignInAnswer, SigningIn, TicketText,
    },
    store::AttemptName,
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
    pub finisher: Option<Finisher>,
    /// The id under which the call may be repeated; `None` if it may not.
    pub request_id: Option<RequestId>,
    /// The name of the attempt.
    pub name: AttemptName,
    /// The request, with what the browser brought back.
    pub request: pb::CompleteSignInRequest,
    /// When the call began.
    pub now: DateTime<Utc>,
    /// The ticket that the call may issue.
    ticket: TicketText,
}

/// The user that finishes a link: its permit, the target user, and the terms.
pub(super) struct Finisher {
    pub permit: Permit,
    pub target: Target,
    terms: LinkTerms,
}

impl Completion {
    /// The name under which this request claims an attempt; `None` if the call cannot be repeated.
    pub fn claim(&self) -> Option<[u8; 32]> {
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
        // Runs to its end even if the client goes away: the provider accepts a code only once. The permits move
        // along, so the call keeps its slot.
        self.linking.to_its_end(async move { handler.carry_out(completion).await }).await
    }

    async fn checked(&self, permit: Permit, mut request: pb::CompleteSignInRequest) -> Result<Completion, Error> {
        let now = clock::now();
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        // A preview takes a request id too, because it uses the attempt up.
        let request_id = checks.request_id("request_id", &id, &request, false);
        let terms = check(checks, &request)?;
        let finisher = match request.user_token.as_str() {
            "" => None,
            token => {
                let permit = self.linking.permit_link(&permit, token, now).await?;
                if terms.app_metadata != Strategy::KeepPrimary {
                    // Checked now: later, the refusal would have used the attempt up.
                    permit.services_only(MERGE_APP_METADATA)?;
                }
                Some(Finisher { target: permit.target(None)?, permit, terms })
            }
        };
        let key = self.linking.store().key(permit.tenant())?;
        let ticket = TicketText::of_attempt(key, &request.state, &request.attempt_secret);
        let name = AttemptName::of(&request.state, &request.attempt_secret);
        Ok(Completion { permit, finisher, request_id, name, request, now, ticket })
    }

    async fn carry_out(&self, completion: Completion) -> Result<pb::CompleteSignInResponse, Error> {
        let ticket = completion.ticket.clone();
        let mut response = match self.whom(&completion).await {
            Ok(Some(whom)) => self.decide(completion, whom).await?,
            // The attempt may be used up, or the user's token withdrawn, because this very call succeeded before.
            Ok(None) => self.answered(&completion).await?.ok_or(Refusal::SignInInvalid)?,
            Err(error) => self.answered(&completion).await?.ok_or(error)?,
        };
        if response.ticket_expire_time.is_some() {
            ticket.as_str().clone_into(&mut response.ticket);
        }
        if let Some(pb::complete_sign_in_response::Result::Decision(decision)) = &mut response.result {
            with_ticket(decision, &ticket);
        }
        Ok(response)
    }

    /// The response that this very call got before.
    async fn answered(&self, completion: &Completion) -> Result<Option<pb::CompleteSignInResponse>, Error> {
        let Completion { permit, finisher, request_id, .. } = completion;
        match finisher {
            Some(Finisher { permit, target, .. }) => {
                self.linking.answered::<Link, _>(permit, target, *request_id).await
            }
            None => self.linking.answered_to_service::<SignIn, _>(permit, *request_id).await,
        }
    }

    /// Signs in, or links. A preview does neither, and issues a ticket.
    async fn decide(&self, completion: Completion, whom: Whom) -> Result<pb::CompleteSignInResponse, Error> {
        use pb::complete_sign_in_response::Result as PbResult;
        let Completion { permit, finisher, request_id, request, now, ticket, .. } = completion;
        let (validate_only, ticket) = (request.validate_only, Some(ticket.hash()));
        let Some(Finisher { permit, target, terms }) = finisher else {
            let with = match whom {
                Whom::Now(account, proven_at) => SigningIn::Account { account, proven_at },
                Whom::Kept(proven) => SigningIn::Kept(proven),
            };
            let reply = move |mut answer: SignInAnswer| {
                let of_preview = if validate_only { answer.ticket_expire_time.take() } else { None };
                let decision = PbResult::Decision(answers::decision(answer, validate_only));
                previewed(decision, of_preview)
            };
            return self.linking.run(SignIn { permit, with, validate_only, ticket }, request_id, reply).await;
        };
        let secondary = match whom {
            Whom::Now(account, _) => Secondary::Account(account),
            Whom::Kept(proven) => Secondary::Kept(proven),
        };
        let link = Link { permit, target, secondary, terms, validate_only, ticket, now };
        let reply = move |answer: LinkAnswer| {
            let of_preview = answer.ticket_expire_time;
            previewed(PbResult::Link(linked(answer, validate_only)), of_preview)
        };
        self.linking.run(link, request_id, reply).await
    }
}

/// The result as a response; for a preview, with the time until which its ticket is valid.
fn previewed(
    result: pb::complete_sign_in_response::Result,
    ticket_expire_time: Option<DateTime<Utc>>,
) -> pb::CompleteSignInResponse {
    let ticket_expire_time = ticket_expire_time.map(answers::time);
    pb::CompleteSignInResponse { result: Some(result), ticket: String::new(), ticket_expire_time }
}

fn check(mut checks: Checks, request: &pb::CompleteSignInRequest) -> Result<LinkTerms, Refusal> {
    checks.required("attempt_secret", &request.attempt_secret, MAX_NAME);
    checks.required("state", &request.state, MAX_NAME);
    if request.code.is_empty() == request.error.is_empty() {
        checks.wrong("code", "is required, or error, and only one: the parameters of the redirect");
    }
    checks.bounded("code", &request.code, MAX_CODE);
    checks.bounded("iss", &request.iss, MAX_PARAMETER);
    checks.bounded("error", &request.error, MAX_PARAMETER);
    checks.required("redirect_uri", &request.redirect_uri, MAX_URI);
    if request.link.is_some() && request.user_token.is_empty() {
        checks.wrong("link", "needs user_token: a sign-in links nothing");
    }
    let terms = checks.link_terms("link.", request.link.unwrap_or_default());
    checks.finish_with(Some(terms))
}
