//! `CompleteSignIn`.

use std::mem::take;

use chrono::{DateTime, Utc};

use super::{MAX_URI, SignInHandler, failed};
use crate::{
    auth::{Permit, Purpose, Target},
    clock,
    domain::{Refusal, linking::LinkTerms},
    grpc::{answers, identity_service::linked, proto as pb, requests::Checks},
    linking::{Error, Link, RequestId, Secondary, SignIn, SigningIn, resolve},
    oauth::{Account, Flow, OAuthError, Returned},
    store::{AttemptName, SignInAttempt},
};

/// The longest state or secret that is looked up, in bytes.
const MAX_NAME: usize = 128;
/// The longest code that is exchanged, in bytes.
const MAX_CODE: usize = 4096;
/// The longest `iss` or `error` that is looked at, in bytes.
const MAX_PARAMETER: usize = 2048;

/// Who finishes a link: as a caller, and what it calls for.
struct Finisher {
    permit: Permit,
    target: Target,
}

impl SignInHandler {
    pub(super) async fn complete(
        &self,
        permit: Permit,
        mut request: pb::CompleteSignInRequest,
    ) -> Result<pb::CompleteSignInResponse, Error> {
        let now = clock::now();
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, false);
        check(checks, &request)?;
        let finisher = match request.user_token.as_str() {
            "" => None,
            token => {
                let permit = self.linking.permit_link(&permit, token, now).await?;
                Some(Finisher { target: permit.target(None)?, permit })
            }
        };

        let name = AttemptName::of(&request.state, &request.attempt_secret);
        let claimed = self.claim(&permit, name, finisher.as_ref(), now).await?;
        // A code from elsewhere would be another provider's, and is not this one's to see (RFC 9700 §4.4).
        let Some(attempt) = claimed.filter(|attempt| attempt.redirect_uri == request.redirect_uri) else {
            // It is gone where this very call has been answered.
            let answered = self.answered(&permit, finisher.as_ref(), request_id).await?;
            return answered.ok_or(Refusal::SignInInvalid.into());
        };
        if !request.error.is_empty() {
            return Err(failed(permit.tenant(), &attempt.provider, OAuthError::sent_back(&request.error)));
        }
        let account = self.account(&permit, attempt, request, now).await?;
        match finisher {
            None => self.sign_in(permit, account, request_id).await,
            Some(finisher) => self.link(finisher, account, request_id, now).await,
        }
    }

    /// Takes the attempt, if whoever finishes it is who began: by what the browser kept, and for a link by the user.
    /// All of this before anything is asked of the provider, and of all who try at once one has it.
    async fn claim(
        &self,
        permit: &Permit,
        name: AttemptName,
        finisher: Option<&Finisher>,
        now: DateTime<Utc>,
    ) -> Result<Option<SignInAttempt>, Error> {
        let mut session = self.linking.store().session(permit.tenant()).await?;
        let user = match finisher {
            Some(finisher) => Some(resolve(&mut session, &finisher.target, Purpose::Write, [], now).await?.0),
            None => None,
        };
        let attempt = session.claim_attempt(name).await?;
        Ok(attempt.filter(|attempt| attempt.user == user))
    }

    /// What this very call was answered before.
    async fn answered(
        &self,
        permit: &Permit,
        finisher: Option<&Finisher>,
        request_id: Option<RequestId>,
    ) -> Result<Option<pb::CompleteSignInResponse>, Error> {
        match finisher {
            Some(Finisher { permit, target }) => self.linking.answered::<Link, _>(permit, target, request_id).await,
            None => self.linking.answered_to_service::<SignIn, _>(permit, request_id).await,
        }
    }

    /// Who signed in. No connection of the database is held meanwhile.
    async fn account(
        &self,
        permit: &Permit,
        attempt: SignInAttempt,
        request: pb::CompleteSignInRequest,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let SignInAttempt { provider, user: _, nonce, pkce_verifier, redirect_uri, max_age } = attempt;
        // It may have been taken out of the configuration since.
        let client = self.client(permit, &provider)?;
        if !self.linking.tenant(permit)?.provider(&provider).policy.enabled {
            return Err(Refusal::ProviderDisabled.into());
        }
        let flow = Flow { nonce, pkce_verifier, redirect_uri, max_age };
        let iss = (!request.iss.is_empty()).then_some(request.iss);
        let returned = Returned { code: request.code, iss };
        client.finish(&flow, &returned, now).await.map_err(|error| failed(permit.tenant(), &provider, error))
    }

    async fn sign_in(
        &self,
        permit: Permit,
        account: Account,
        request_id: Option<RequestId>,
    ) -> Result<pb::CompleteSignInResponse, Error> {
        use pb::complete_sign_in_response::Result as PbResult;
        let proven_at = account.proven_at;
        let with = SigningIn::Account { account: account.into(), proven_at };
        let reply = |answer| {
            let decision = PbResult::Decision(answers::decision(answer, false));
            pb::CompleteSignInResponse { result: Some(decision) }
        };
        self.linking.run(SignIn { permit, with, validate_only: false }, request_id, reply).await
    }

    async fn link(
        &self,
        finisher: Finisher,
        account: Account,
        request_id: Option<RequestId>,
        now: DateTime<Utc>,
    ) -> Result<pb::CompleteSignInResponse, Error> {
        use pb::complete_sign_in_response::Result as PbResult;
        let Finisher { permit, target } = finisher;
        let secondary = Secondary::Account(Box::new(account.into()));
        let link = Link { permit, target, secondary, terms: LinkTerms::default(), validate_only: false, now };
        let reply = |answer| pb::CompleteSignInResponse { result: Some(PbResult::Link(linked(answer, false))) };
        self.linking.run(link, request_id, reply).await
    }
}

fn check(mut checks: Checks, request: &pb::CompleteSignInRequest) -> Result<(), Refusal> {
    checks.required("attempt_secret", &request.attempt_secret, MAX_NAME);
    checks.required("state", &request.state, MAX_NAME);
    if request.code.is_empty() == request.error.is_empty() {
        checks.wrong("code", "is required, or error, and only one: the parameters of the redirect");
    }
    checks.bounded("code", &request.code, MAX_CODE);
    checks.bounded("iss", &request.iss, MAX_PARAMETER);
    checks.bounded("error", &request.error, MAX_PARAMETER);
    checks.required("redirect_uri", &request.redirect_uri, MAX_URI);
    checks.finish()
}
