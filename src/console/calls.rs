//! The calls that pages make: those of services, in this process, with the person's role in place of a
//! token.

use std::{
    convert::Infallible,
    future::{Future, ready},
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use tonic::{Status, body::Body, service::Routes};
use tower::{Service, ServiceExt as _};

use super::{App, sessions::Staff};
use crate::{
    auth::{AccessRule, AuthError, CallClass, Permit, RECENT_SIGN_IN, StatedReason},
    calls::concurrency::ConcurrencyLimit,
    clock,
    domain::{DomainError, TenantId},
    grpc::{
        proto::{
            ProvenAccount, ResolveSignInRequest, SignInDecision,
            event_service_client::EventServiceClient,
            google::longrunning::operations_client::OperationsClient,
            identity_service_client::IdentityServiceClient, job_service_client::JobServiceClient,
            resolve_sign_in_request::Proof, sign_in_service_client::SignInServiceClient,
        },
        status::{from_auth_error, from_domain_error, overloaded, rpc_unknown},
    },
    store::StaffMember,
};

/// The calls of a person in a tenant.
pub(super) type Calls = IdentityServiceClient<StaffCalls>;

/// The calls of a person about the feed of a tenant.
pub(super) type EventCalls = EventServiceClient<StaffCalls>;

/// The calls of a person about the jobs of a tenant.
pub(super) struct JobCalls {
    /// They start jobs, and read their lines.
    pub jobs: JobServiceClient<StaffCalls>,
    /// They say how far jobs are, and stop them.
    pub operations: OperationsClient<StaffCalls>,
}

/// The services behind a gate that permits what the person's role permits.
#[derive(Clone)]
pub(super) struct StaffCalls {
    routes: Routes,
    limit: ConcurrencyLimit,
    tenant: TenantId,
    staff: StaffMember,
    purpose: Purpose,
}

/// What a person calls for.
#[derive(Clone)]
enum Purpose {
    /// To read.
    Read,
    /// To read or to change something, for this reason.
    Change(StatedReason),
    /// To see what a call would do. It sets `validate_only`.
    Preview,
}

impl App {
    /// The calls of this person in a tenant of the console that only read; `None` in any other tenant.
    pub(super) fn calls(&self, tenant: &str, staff: &Staff) -> Option<Calls> {
        self.calls_for(tenant, staff, Purpose::Read).map(IdentityServiceClient::new)
    }

    /// The calls of this person about the feed of a tenant of the console; `None` in any other tenant.
    pub(super) fn event_calls(&self, tenant: &str, staff: &Staff) -> Option<EventCalls> {
        self.calls_for(tenant, staff, Purpose::Read).map(EventServiceClient::new)
    }

    /// The calls of services about users with a reason, for which the person may also change something.
    pub(super) fn calls_because(
        &self,
        tenant: &str,
        staff: &Staff,
        reason: Option<StatedReason>,
    ) -> Option<Calls> {
        let purpose = reason.map_or(Purpose::Read, Purpose::Change);
        self.calls_for(tenant, staff, purpose).map(IdentityServiceClient::new)
    }

    /// The calls of a person about the jobs of a tenant of the console; `None` in any other tenant. With a
    /// reason, the person may also start and stop some.
    pub(super) fn job_calls(
        &self,
        tenant: &str,
        staff: &Staff,
        reason: Option<StatedReason>,
    ) -> Option<JobCalls> {
        let purpose = reason.map_or(Purpose::Read, Purpose::Change);
        let calls = self.calls_for(tenant, staff, purpose)?;
        let operations = OperationsClient::new(calls.clone());
        Some(JobCalls { jobs: JobServiceClient::new(calls), operations })
    }

    /// What would happen if this account signed in now; `None` in a tenant that the console has not.
    ///
    /// # Errors
    /// The refusal of the sign-in, or of the call.
    pub(super) async fn preview_sign_in(
        &self,
        tenant: &str,
        staff: &Staff,
        account: ProvenAccount,
    ) -> Option<Result<SignInDecision, Status>> {
        let calls = self.calls_for(tenant, staff, Purpose::Preview)?;
        let proof = Some(Proof::Account(account));
        // The permission of a preview rests on this.
        let validate_only = true;
        let request =
            ResolveSignInRequest { proof, validate_only, ..ResolveSignInRequest::default() };
        let response = SignInServiceClient::new(calls).resolve_sign_in(request).await;
        Some(response.map(|response| response.into_inner().decision.unwrap_or_default()))
    }

    fn calls_for(&self, tenant: &str, staff: &Staff, purpose: Purpose) -> Option<StaffCalls> {
        let tenant = self.settings.tenants.iter().find(|known| known.as_str() == tenant)?.clone();
        let (routes, limit) = (self.calls.clone(), self.limit.clone());
        Some(StaffCalls { routes, limit, tenant, staff: staff.member.clone(), purpose })
    }
}

impl Staff {
    /// Whether the person has just signed in at the provider, as a change needs it.
    pub(super) fn may_change(&self) -> bool {
        has_just_signed_in(&self.member)
    }
}

/// Whether the person signed in within the last ten minutes.
fn has_just_signed_in(staff: &StaffMember) -> bool {
    clock::now().signed_duration_since(staff.sign_in_time) <= RECENT_SIGN_IN
}

impl StaffCalls {
    /// Judges a call by the role; a change also by the reason and the sign-in.
    fn permit(&self, path: &str) -> Result<Permit, Status> {
        let rule = AccessRule::for_path(path).ok_or_else(rpc_unknown)?;
        let who = (self.staff.issuer.as_str(), self.staff.subject.as_str());
        let (role, tenant) = (self.staff.role, self.tenant.clone());
        let permit = match self.purpose {
            Purpose::Preview => rule.permit_staff_preview(role, tenant, who),
            Purpose::Read | Purpose::Change(_) => rule.permit_staff(role, tenant, who),
        };
        let permit = permit.map_err(from_auth_error)?;
        let reason = match &self.purpose {
            _ if rule.class == CallClass::Read => return Ok(permit),
            Purpose::Preview => return Ok(permit),
            Purpose::Read => {
                return Err(from_domain_error(DomainError::invalid("reason", "must be given")));
            }
            Purpose::Change(reason) => reason.clone(),
        };
        if !has_just_signed_in(&self.staff) {
            return Err(from_auth_error(AuthError::ReauthenticationRequired));
        }
        Ok(permit.because(Some(reason)))
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
        let mut permit = match self.permit(request.uri().path()) {
            Ok(permit) => permit,
            Err(status) => return Box::pin(ready(Ok(status.into_http()))),
        };
        let (routes, limit) = (self.routes.clone(), self.limit.clone());
        Box::pin(async move {
            if limit.acquire(&mut permit).await.is_err() {
                return Ok(overloaded().into_http());
            }
            request.extensions_mut().insert(permit);
            routes.oneshot(request).await
        })
    }
}
