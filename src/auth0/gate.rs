//! The gate in front of every route. It verifies the bearer token, applies the rule of the route's
//! rpc, and gives a permit or a refusal. A route without a rule refuses each caller.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts};

use super::{
    AppState,
    access_table::{AccessTable, Route, Rpc},
    error::ApiError,
    openapi, rate_limit,
};
use crate::{
    auth::{AuthError, Permit, TokenCaller, VerifiedToken, access::IDP_TOKENS},
    calls::{admission, admitted, concurrency::ConcurrencyLimit},
    domain::TenantId,
    rate_limits::{RateLimits, Verdict},
    telemetry::CallRecord,
    use_cases::UseCases,
};

/// What the gate decides by.
#[derive(Clone)]
pub(super) struct Gate {
    pub use_cases: Arc<UseCases>,
    pub tenants: Arc<BTreeSet<TenantId>>,
    pub rate_limits: Arc<RateLimits>,
    pub limit: ConcurrencyLimit,
    pub table: Arc<AccessTable>,
}

/// The permit of an admitted call, with the route that it is for.
#[derive(Clone)]
pub(super) struct AdmittedCall {
    pub permit: Permit,
    pub route: Route,
    /// The rpcs of the route that the caller may call.
    pub rpcs: Vec<Rpc>,
    /// Whether the caller is a service with the scope to read tokens of providers.
    pub reads_tokens: bool,
}

/// Lets a request through to its route, or refuses it.
pub(super) async fn pass(
    State(gate): State<Gate>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    // HEAD is GET without the response body (RFC 9110 §9.3.2).
    let method =
        if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let record = request.extensions().get::<CallRecord>().cloned().unwrap_or_default();
    let Some(route) = gate.table.get(&(method.clone(), path.as_str().to_owned())).copied() else {
        return ApiError::method().into_response();
    };
    record.set_name(format!("{method} {}", openapi::documented_path(path.as_str())));
    let verified = admission::verify(&gate.use_cases, request.headers(), &record).await;
    let token = match verified {
        Ok(token) => token,
        Err(denial) => return ApiError::from_auth_error(route, denial).into_response(),
    };
    // Before the rule's check: a caller that may not make the calls has the same limit.
    let standing = match gate.rate_limits.judge(&token, route.rule.class).await {
        Verdict::Refused(exceeded) => return admitted(rate_limit::refused(&exceeded)),
        Verdict::Passed(standing) => standing,
        Verdict::WouldRefuse => None,
    };
    let response = match gate.permit(route, &token, request.headers(), &record) {
        Ok((mut permit, rpcs)) => {
            // After the rule's check, so that only a permitted call takes a slot.
            if gate.limit.acquire(&mut permit).await.is_err() {
                return admitted(ApiError::too_many_requests().into_response());
            }
            // No code behind the gate needs the token, and none can log it by accident.
            request.headers_mut().remove(AUTHORIZATION);
            let reads_tokens =
                token.caller == TokenCaller::Service && token.scopes.contains(IDP_TOKENS);
            let call = AdmittedCall { permit, route, rpcs, reads_tokens };
            request.extensions_mut().insert(call);
            admitted(next.run(request).await)
        }
        Err(refused) => refused.into_response(),
    };
    rate_limit::noted(response, standing)
}

impl Gate {
    /// The permit, with the rpcs of the route that it is for. A caller that may call one of two is
    /// admitted.
    fn permit(
        &self,
        route: Route,
        token: &VerifiedToken,
        headers: &HeaderMap,
        record: &CallRecord,
    ) -> Result<(Permit, Vec<Rpc>), ApiError> {
        let denied = |denial| ApiError::from_auth_error(route, denial);
        let (mut admitted, mut lacking) = (None, None);
        let mut rpcs = Vec::with_capacity(1);
        for (rpc, rule) in route.rules() {
            match admission::permit(&self.use_cases, rule, token, headers, record) {
                Ok(permit) => {
                    rpcs.push(rpc);
                    admitted = Some(permit);
                }
                Err(denial @ AuthError::ScopeInsufficient(_)) => lacking = Some(denial),
                Err(denial) => return Err(denied(denial)),
            }
        }
        let Some(permit) = admitted else {
            return Err(lacking.map_or_else(ApiError::method, denied));
        };
        if !self.tenants.contains(permit.tenant()) {
            return Err(ApiError::tenant());
        }
        Ok((permit, rpcs))
    }
}

impl FromRequestParts<AppState> for AdmittedCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let admission = parts.extensions.remove::<Self>();
        admission.ok_or_else(|| ApiError::log_fault("a call passed the gate without a permit"))
    }
}
