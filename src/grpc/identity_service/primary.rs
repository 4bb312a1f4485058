//! `SetPrimaryIdentity`.

use std::mem::take;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    domain::User,
    grpc::{proto as pb, requests::Checks, responses},
    use_cases::{Error, SetPrimaryIdentity},
};

impl IdentityHandler {
    pub(super) async fn set_primary_identity(
        &self,
        permit: Permit,
        mut request: pb::SetPrimaryIdentityRequest,
    ) -> Result<pb::SetPrimaryIdentityResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let target = checks.target("user_id", &permit, &request.user_id);
        let identity = checks.identity("identity", request.identity.as_ref());
        let (target, identity) = checks.into_result_with(target.zip(identity))?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let set =
            SetPrimaryIdentity { permit, target, identity, expected_version, validate_only, now };
        let reply =
            |user: User| pb::SetPrimaryIdentityResponse { user: Some(responses::user(&user)) };
        self.use_cases.run(set, request_id, reply).await
    }
}
