//! `ResolveSignIn`.

use std::mem::take;

use super::{SignInHandler, with_ticket};
use crate::{
    auth::Permit,
    clock,
    domain::EmailVerification,
    grpc::{
        proto as pb,
        requests::{Checks, NOT_ITS_CONNECTION},
        responses,
    },
    use_cases::{Error, SignIn, SignInProof, TicketText},
};

impl SignInHandler {
    pub(super) async fn resolve(
        &self,
        permit: Permit,
        mut request: pb::ResolveSignInRequest,
    ) -> Result<pb::ResolveSignInResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let proof = self.proof(&mut checks, &permit, request.proof)?;
        let proof = checks.into_result_with(proof)?;
        let ticket = match request_id {
            Some(id) => {
                TicketText::for_request(self.use_cases.store().key(permit.tenant())?, &permit, id)
            }
            None => TicketText::random()?,
        };
        let validate_only = request.validate_only;
        let sign_in = SignIn {
            permit,
            proof,
            validate_only,
            ticket: (!validate_only).then(|| ticket.hash()),
        };
        let reply = move |result| pb::ResolveSignInResponse {
            decision: Some(responses::decision(result, validate_only)),
        };
        let mut response = self.use_cases.run(sign_in, request_id, reply).await?;
        if let Some(decision) = &mut response.decision {
            with_ticket(decision, &ticket);
        }
        Ok(response)
    }
    /// The proof of a sign-in; `None` if it is absent or wrong.
    fn proof(
        &self,
        checks: &mut Checks,
        permit: &Permit,
        proof: Option<pb::resolve_sign_in_request::Proof>,
    ) -> Result<Option<SignInProof>, Error> {
        use pb::resolve_sign_in_request::Proof;
        match proof {
            None => {
                checks.report("proof", "is required: account or sign_in_ticket");
                Ok(None)
            }
            Some(Proof::Account(account)) => {
                let tenant = self.use_cases.tenant(permit)?;
                let now = clock::now();
                let proven_at =
                    checks.sign_in_time("account.sign_in_time", account.sign_in_time, now);
                let verified = EmailVerification { time: now, by: permit.caller().verifier() };
                let account = checks.proven_account("account", account, &verified);
                if account
                    .as_ref()
                    .is_some_and(|of| !tenant.has_connection(&of.id.provider, &of.connection))
                {
                    checks.report("account.connection", NOT_ITS_CONNECTION);
                }
                Ok(account
                    .map(|account| SignInProof::Account { account: Box::new(account), proven_at }))
            }
            Some(Proof::SignInTicket(text)) => {
                checks.ticket_text("sign_in_ticket", &text);
                Ok(Some(SignInProof::from_ticket(&text)))
            }
        }
    }
}
