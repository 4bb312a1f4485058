//! `SetPrimaryIdentity`.

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    grpc::{answers, proto as pb, requests::Checks},
    linking::{Error, SetPrimaryIdentity},
};

impl IdentityHandler {
    pub(super) async fn set_primary_identity(
        &self,
        permit: Permit,
        request: pb::SetPrimaryIdentityRequest,
    ) -> Result<pb::SetPrimaryIdentityResponse, Error> {
        let mut checks = Checks::default();
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let identity = checks.identity("identity", request.identity.as_ref());
        let identity = checks.finish_with(identity)?;
        let target = permit.target(user_id)?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let set = SetPrimaryIdentity { permit, target, identity, expected_version, validate_only, now };
        let user = self.linking.run(set).await?;
        Ok(pb::SetPrimaryIdentityResponse { user: Some(answers::user(&user)) })
    }
}
