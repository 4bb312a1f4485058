//! `Unlink`, in both modes.

use std::mem::take;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    domain::{Metadata, User, unlinking::Departure},
    grpc::{answers, proto as pb, requests::Checks},
    linking::{Error, Release, ReleaseAnswer, Unlink, UnlinkAnswer},
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
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let is_release = checks.is_release(&request);
        let metadata = checks.unlink_metadata("metadata", request.metadata, permit.is_service());
        let identity = checks.identity("identity", request.identity.as_ref());
        let identity = checks.finish_with(identity)?;
        let target = permit.target(user_id)?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        if is_release {
            let release = Release { permit, target, identity, expected_version, validate_only, now };
            return self.linking.run(release, request_id, released).await;
        }
        let is_service = permit.is_service();
        let unlink = Unlink { permit, target, identity, metadata, expected_version, validate_only, now };
        self.linking.run(unlink, request_id, move |answer| reply(answer, is_service, validate_only)).await
    }
}

fn reply(answer: UnlinkAnswer, is_service: bool, validate_only: bool) -> pb::UnlinkResponse {
    let user = answer.user.as_ref().map(answers::user);
    match answer.departure {
        Departure::Restored { user: detached, link, withheld } => pb::UnlinkResponse {
            user,
            detached_user: Some(answers::user(&if is_service { detached } else { unproven(detached) })),
            restored: true,
            metadata_changes: [answers::taken_back(&answer.taken_back), answers::withheld(&withheld)].concat(),
            link_id: link.to_string(),
            released: false,
        },
        Departure::Created { user: detached, link } => pb::UnlinkResponse {
            user,
            link_id: link.map(|link| link.to_string()).unwrap_or_default(),
            detached_user: Some(if validate_only { answers::nameless(&detached) } else { answers::user(&detached) }),
            ..pb::UnlinkResponse::default()
        },
    }
}

fn released(answer: ReleaseAnswer) -> pb::UnlinkResponse {
    let user = answer.user.map(|user| answers::user(&user));
    pb::UnlinkResponse { user, released: true, ..pb::UnlinkResponse::default() }
}

/// A user as a user token may see it when it comes back: the caller may never have proved that user.
pub(super) fn unproven(user: User) -> User {
    User {
        user_metadata: Metadata::default(),
        app_metadata: Metadata::default(),
        profile_overrides: Metadata::default(),
        ..user
    }
}
