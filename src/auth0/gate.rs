//! The gate in front of every route. It verifies the bearer token, applies the rule of the route's
//! rpc, and gives a permit or a refusal. A route without a rule refuses each caller.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts};
use utoipa::openapi::OpenApi;

use super::{AppState, error::ApiError, openapi};
use crate::{
    auth::{AccessRule, Permit},
    calls::{admission, admitted, concurrency::ConcurrencyLimit, telemetry::CallRecord},
    domain::TenantId,
    use_cases::UseCases,
};

/// The extension in a route's description that names its rpc.
pub(super) const RPC: &str = "x-rpc";

/// What the gate decides by.
#[derive(Clone)]
pub(super) struct Gate {
    pub use_cases: Arc<UseCases>,
    pub tenants: Arc<BTreeSet<TenantId>>,
    pub limit: ConcurrencyLimit,
    pub table: Arc<AccessTable>,
}

/// The rule of each route, by its method and its path template.
pub(super) type AccessTable = HashMap<(Method, String), &'static AccessRule>;

/// The permit of an admitted call, with the rule that it was given by.
#[derive(Clone)]
pub(super) struct AdmittedCall {
    pub permit: Permit,
    pub rule: &'static AccessRule,
}

/// Reads the table from the descriptions of the routes.
///
/// # Errors
/// The first route that names no rpc with a rule.
pub(super) fn access_table(api: &mut OpenApi) -> Result<AccessTable, String> {
    let mut table = AccessTable::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in openapi::operations(item) {
            let rpc =
                operation.extensions.as_ref().and_then(|extensions| extensions.get(RPC)?.as_str());
            let rule = rpc.and_then(|rpc| {
                AccessRule::for_path(&format!("/identitylink.v1.IdentityService/{rpc}"))
            });
            let rule = rule.ok_or_else(|| format!("{method} {path} stands on no rpc"))?;
            table.insert((method, path.clone()), rule);
        }
    }
    Ok(table)
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
    let Some(rule) = gate.table.get(&(method.clone(), path.as_str().to_owned())).copied() else {
        return ApiError::method().into_response();
    };
    record.set_name(format!("{method} {}", openapi::documented_path(path.as_str())));
    match gate.admit(rule, request.headers(), &record).await {
        Ok(mut permit) => {
            // After the rule's check, so that only a permitted call takes a slot.
            if gate.limit.acquire(&mut permit).is_err() {
                return admitted(ApiError::overloaded().into_response());
            }
            // No code behind the gate needs the token, and none can log it by accident.
            request.headers_mut().remove(AUTHORIZATION);
            request.extensions_mut().insert(AdmittedCall { permit, rule });
            admitted(next.run(request).await)
        }
        Err(refused) => refused.into_response(),
    }
}

impl Gate {
    async fn admit(
        &self,
        rule: &'static AccessRule,
        headers: &HeaderMap,
        record: &CallRecord,
    ) -> Result<Permit, ApiError> {
        let denied = |denial| ApiError::from_auth_error(rule, denial);
        let token = admission::verify(&self.use_cases, headers, record).await.map_err(denied)?;
        let permit = admission::permit(&self.use_cases, rule, &token, headers).map_err(denied)?;
        if self.tenants.contains(permit.tenant()) { Ok(permit) } else { Err(ApiError::tenant()) }
    }
}

impl FromRequestParts<AppState> for AdmittedCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let admission = parts.extensions.remove::<Self>();
        admission.ok_or_else(|| ApiError::log_fault("a call came past the gate without a permit"))
    }
}

#[cfg(test)]
mod tests {
    use utoipa_axum::{router::OpenApiRouter, routes};

    use super::access_table;

    #[utoipa::path(get, path = "/bare")]
    async fn bare() {}

    #[utoipa::path(put, path = "/lost", extensions(("x-rpc" = json!("NoSuchRpc"))))]
    async fn lost() {}

    #[utoipa::path(get, path = "/founded", extensions(("x-rpc" = json!("GetUser"))))]
    async fn founded() {}

    #[test]
    fn a_route_that_stands_on_no_rpc_fails_the_start() {
        let table_with = |routes: OpenApiRouter<()>| {
            let (_, mut api) = routes.routes(routes!(founded)).split_for_parts();
            access_table(&mut api).map(|table| table.len())
        };
        assert_eq!(table_with(OpenApiRouter::new()), Ok(1));
        let bare = OpenApiRouter::new().routes(routes!(bare));
        assert_eq!(table_with(bare), Err("GET /bare stands on no rpc".to_owned()));
        let lost = OpenApiRouter::new().routes(routes!(lost));
        assert_eq!(table_with(lost), Err("PUT /lost stands on no rpc".to_owned()));
    }
}
