//! The calls that pages make: those of services, in this process, with the person's role in place of a
//! token.

use std::{
    convert::Infallible,
    future::{Future, ready},
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use tonic::{body::Body, service::Routes};
use tower::{Service, ServiceExt as _};

use super::{App, sessions::Staff};
use crate::{
    auth::AccessRule,
    calls::concurrency::ConcurrencyLimit,
    domain::TenantId,
    grpc::{
        proto::identity_service_client::IdentityServiceClient,
        status::{from_auth_error, overloaded, rpc_unknown},
    },
    store::StaffMember,
};

/// The calls of a person in a tenant.
pub(super) type Calls = IdentityServiceClient<StaffCalls>;

/// The services behind a gate that permits what the person's role permits.
#[derive(Clone)]
pub(super) struct StaffCalls {
    routes: Routes,
    limit: ConcurrencyLimit,
    tenant: TenantId,
    staff: StaffMember,
}

impl App {
    /// The calls of this person in a tenant of the console; `None` in any other tenant.
    pub(super) fn calls(&self, tenant: &str, staff: &Staff) -> Option<Calls> {
        let tenant = self.settings.tenants.iter().find(|known| known.as_str() == tenant)?.clone();
        let (routes, limit) = (self.calls.clone(), self.limit.clone());
        let calls = StaffCalls { routes, limit, tenant, staff: staff.member.clone() };
        Some(IdentityServiceClient::new(calls))
    }
}

impl Service<Request<Body>> for StaffCalls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Self { routes, limit, tenant, staff } = self.clone();
        let who = (staff.issuer.as_str(), staff.subject.as_str());
        let permit = AccessRule::for_path(request.uri().path())
            .ok_or_else(rpc_unknown)
            .and_then(|rule| rule.permit_staff(staff.role, tenant, who).map_err(from_auth_error));
        let mut permit = match permit {
            Ok(permit) => permit,
            Err(status) => return Box::pin(ready(Ok(status.into_http()))),
        };
        Box::pin(async move {
            if limit.acquire(&mut permit).await.is_err() {
                return Ok(overloaded().into_http());
            }
            request.extensions_mut().insert(permit);
            routes.oneshot(request).await
        })
    }
}
