//! `UndoLink`.

use std::mem::take;

use super::{IdentityHandler, unlink::unproven};
use crate::{
    auth::Permit,
    clock,
    grpc::{
        proto as pb,
        requests::Checks,
        responses::{self, Visibility},
    },
    use_cases::{Error, UndoLink, UndoLinkResult},
};

impl IdentityHandler {
    pub(super) async fn undo_link(
        &self,
        permit: Permit,
        mut request: pb::UndoLinkRequest,
    ) -> Result<pb::UndoLinkResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let link = checks.link_id("link_id", &request.link_id);
        let metadata = checks.unlink_metadata("metadata", request.metadata, permit.is_service());
        let link = checks.into_result_with(link)?;
        let is_service = permit.is_service();
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let undo =
            UndoLink { permit, link, metadata, expected_version, validate_only, now: clock::now() };
        self.use_cases
            .run(undo, request_id, move |result| reply(result, is_service, validate_only))
            .await
    }
}

fn reply(result: UndoLinkResult, is_service: bool, validate_only: bool) -> pb::UndoLinkResponse {
    // A user that had left before this call is another person by now.
    let has_left = result.was_undone && !is_service;
    let visibility = match &result.user {
        Some(user) if has_left => Visibility::Own(user),
        _ => Visibility::AllUsers,
    };
    let restored = result
        .restored
        .filter(|_| !has_left)
        .map(|user| if is_service { user } else { unproven(user) });
    let is_nameless = validate_only && result.is_new;
    pb::UndoLinkResponse {
        user: result.user.as_ref().map(responses::user),
        restored_user: restored.map(|user| {
            if is_nameless { responses::without_id(&user) } else { responses::user(&user) }
        }),
        link: result.link.as_ref().map(|link| responses::visible_link(link, visibility)),
        metadata_changes: [
            responses::unmerged(&result.unmerged),
            responses::withheld(&result.withheld),
        ]
        .concat(),
    }
}
