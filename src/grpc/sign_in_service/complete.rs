//! `CompleteSignIn`.

use std::mem::take;

use super::{MAX_URI, SignInHandler, with_ticket};
use crate::{
    auth::Permit,
    clock,
    domain::DomainError,
    grpc::{
        identity_service::linked,
        proto::{self as pb, complete_sign_in_response::Result as PbResult},
        requests::Checks,
        responses,
    },
    oauth::AuthorizationResponse,
    use_cases::{CompleteSignIn, CompletedSignIn, Error, FlowLink},
};

/// The longest state or secret that is looked up, in bytes.
const MAX_NAME: usize = 128;
/// The longest code that is exchanged, in bytes.
const MAX_CODE: usize = 4096;
/// The longest `iss` or `error` that is read, in bytes.
const MAX_PARAMETER: usize = 2048;

impl SignInHandler {
    pub(super) async fn complete(
        &self,
        permit: Permit,
        mut request: pb::CompleteSignInRequest,
    ) -> Result<pb::CompleteSignInResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        // A preview takes a request id too, because it uses the attempt up.
        let request_id = checks.request_id("request_id", &id, &request, false);
        let complete = checked(checks, permit, request)?;
        let validate_only = complete.validate_only;
        let reply = move |completed| response(completed, validate_only);
        // Boxed: many flows wait for their providers at a time, and each layer around has room for it.
        let completed = Box::pin(complete.execute(&self.use_cases, request_id, reply));
        let (mut response, ticket) = completed.await?;
        if response.ticket_expire_time.is_some() {
            ticket.as_str().clone_into(&mut response.ticket);
        }
        if let Some(PbResult::Decision(decision)) = &mut response.result {
            with_ticket(decision, &ticket);
        }
        Ok(response)
    }
}

/// The result as a response; for a preview, with the time until which its ticket is valid.
fn response(completed: CompletedSignIn, validate_only: bool) -> pb::CompleteSignInResponse {
    let (result, ticket_expire_time) = match completed {
        CompletedSignIn::SignIn(mut result) => {
            let of_preview = if validate_only { result.ticket_expire_time.take() } else { None };
            (PbResult::Decision(responses::decision(*result, validate_only)), of_preview)
        }
        CompletedSignIn::Link(result) => {
            let of_preview = result.ticket_expire_time;
            (PbResult::Link(linked(*result, validate_only)), of_preview)
        }
    };
    let ticket_expire_time = ticket_expire_time.map(responses::time);
    pb::CompleteSignInResponse { result: Some(result), ticket: String::new(), ticket_expire_time }
}

fn checked(
    mut checks: Checks,
    permit: Permit,
    request: pb::CompleteSignInRequest,
) -> Result<CompleteSignIn, DomainError> {
    let pb::CompleteSignInRequest {
        attempt_secret,
        state,
        code,
        iss,
        error,
        redirect_uri,
        user_token,
        link,
        validate_only,
        ..
    } = request;
    checks.required("attempt_secret", &attempt_secret, MAX_NAME);
    checks.required("state", &state, MAX_NAME);
    if code.is_empty() == error.is_empty() {
        checks.report(
            "code",
            "exactly one of code and error is required: the parameters of the redirect",
        );
    }
    checks.bounded("code", &code, MAX_CODE);
    checks.bounded("iss", &iss, MAX_PARAMETER);
    checks.bounded("error", &error, MAX_PARAMETER);
    checks.required("redirect_uri", &redirect_uri, MAX_URI);
    if link.is_some() && user_token.is_empty() {
        checks.report("link", "needs user_token: a sign-in links nothing");
    }
    let terms = checks.link_terms("link.", link.unwrap_or_default());
    checks.into_result()?;
    let authorization = match error.as_str() {
        "" => Ok(AuthorizationResponse { code, iss: (!iss.is_empty()).then_some(iss) }),
        _ => Err(error),
    };
    let link = (!user_token.is_empty()).then_some(FlowLink { user_token, terms });
    Ok(CompleteSignIn {
        permit,
        attempt_secret,
        state,
        redirect_uri,
        authorization,
        link,
        validate_only,
        now: clock::now(),
    })
}
