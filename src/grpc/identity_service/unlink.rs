//! `Unlink`, in both modes.

use std::mem::take;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    domain::{Metadata, User, unlinking::Departure},
    grpc::{proto as pb, requests::Checks, responses},
    use_cases::{Error, Release, ReleaseResult, Unlink, UnlinkResult},
};

impl IdentityHandler {
    pub(super) async fn unlink(
        &self,
        permit: Permit,
        mut request: pb::UnlinkRequest,
    ) -> Result<pb::UnlinkResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let target = checks.target("user_id", &permit, &request.user_id);
        let is_release = checks.is_release(&request);
        let metadata = checks.unlink_metadata("metadata", request.metadata, permit.is_service());
        let identity = checks.identity("identity", request.identity.as_ref());
        let (target, identity) = checks.into_result_with(target.zip(identity))?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        if is_release {
            let release =
                Release { permit, target, identity, expected_version, validate_only, now };
            return self.use_cases.run(release, request_id, released).await;
        }
        let is_service = permit.is_service();
        let unlink =
            Unlink { permit, target, identity, metadata, expected_version, validate_only, now };
        self.use_cases
            .run(unlink, request_id, move |result| reply(result, is_service, validate_only))
            .await
    }
}

fn reply(result: UnlinkResult, is_service: bool, validate_only: bool) -> pb::UnlinkResponse {
    let user = result.user.as_ref().map(responses::user);
    match result.departure {
        Departure::Restored { user: detached, link, withheld } => pb::UnlinkResponse {
            user,
            detached_user: Some(responses::user(&if is_service {
                detached
            } else {
                unproven(detached)
            })),
            restored: true,
            metadata_changes: [
                responses::unmerged(&result.unmerged),
                responses::withheld(&withheld),
            ]
            .concat(),
            link_id: link.to_string(),
            released: false,
        },
        Departure::Created { user: detached, link } => pb::UnlinkResponse {
            user,
            link_id: link.map(|link| link.to_string()).unwrap_or_default(),
            detached_user: Some(if validate_only {
                responses::without_id(&detached)
            } else {
                responses::user(&detached)
            }),
            ..pb::UnlinkResponse::default()
        },
    }
}

fn released(result: ReleaseResult) -> pb::UnlinkResponse {
    let user = result.user.map(|user| responses::user(&user));
    pb::UnlinkResponse { user, released: true, ..pb::UnlinkResponse::default() }
}

/// A user as a user token may see it when it comes back: the caller may never have proved that
/// user.
pub(super) fn unproven(user: User) -> User {
    User {
        user_metadata: Metadata::default(),
        app_metadata: Metadata::default(),
        profile_overrides: Metadata::default(),
        ..user
    }
}
