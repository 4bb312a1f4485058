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
    access_table::{AccessTable, Route},
    error::ApiError,
    openapi,
};
use crate::{
    auth::Permit,
    calls::{admission, admitted, concurrency::ConcurrencyLimit},
    domain::TenantId,
    telemetry::CallRecord,
    use_cases::UseCases,
};

/// What the gate decides by.
#[derive(Clone)]
pub(super) struct Gate {
    pub use_cases: Arc<UseCases>,
    pub tenants: Arc<BTreeSet<TenantId>>,
    pub limit: ConcurrencyLimit,
    pub table: Arc<AccessTable>,
}

/// The permit of an admitted call, with the route that it is for.
#[derive(Clone)]
pub(super) struct AdmittedCall {
    pub permit: Permit,
    pub route: Route,
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
    match gate.admit(route, request.headers(), &record).await {
        Ok(mut permit) => {
            // After the rule's check, so that only a permitted call takes a slot.
            if gate.limit.acquire(&mut permit).await.is_err() {
                return admitted(ApiError::overloaded().into_response());
            }
            // No code behind the gate needs the token, and none can log it by accident.
            request.headers_mut().remove(AUTHORIZATION);
            request.extensions_mut().insert(AdmittedCall { permit, route });
            admitted(next.run(request).await)
        }
        Err(refused) => refused.into_response(),
    }
}

impl Gate {
    async fn admit(
        &self,
        route: Route,
        headers: &HeaderMap,
        record: &CallRecord,
    ) -> Result<Permit, ApiError> {
        let denied = |denial| ApiError::from_auth_error(route, denial);
        let token = admission::verify(&self.use_cases, headers, record).await.map_err(denied)?;
        let permit = admission::permit(&self.use_cases, route.rule, &token, headers, record)
            .map_err(denied)?;
        if self.tenants.contains(permit.tenant()) { Ok(permit) } else { Err(ApiError::tenant()) }
    }
}

impl FromRequestParts<AppState> for AdmittedCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let admission = parts.extensions.remove::<Self>();
        admission.ok_or_else(|| ApiError::log_fault("a call passed the gate without a permit"))
    }
}
