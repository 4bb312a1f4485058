//! `UndoLink`.

use std::mem::take;

use super::{IdentityHandler, unlink::unproven};
use crate::{
    auth::Permit,
    clock,
    grpc::{
        answers::{self, Sight},
        proto as pb,
        requests::Checks,
    },
    linking::{Error, UndoLink, UndoneLink},
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
        let link = checks.finish_with(link)?;
        let is_service = permit.is_service();
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let undo = UndoLink { permit, link, metadata, expected_version, validate_only, now: clock::now() };
        self.linking.run(undo, request_id, move |answer| reply(answer, is_service, validate_only)).await
    }
}

fn reply(answer: UndoneLink, is_service: bool, validate_only: bool) -> pb::UndoLinkResponse {
    // A user that had left before this call is another person by now.
    let has_left = answer.was_undone && !is_service;
    let sight = match &answer.user {
        Some(user) if has_left => Sight::Own(user),
        _ => Sight::Everybody,
    };
    let restored = answer.restored.filter(|_| !has_left).map(|user| if is_service { user } else { unproven(user) });
    let is_nameless = validate_only && answer.is_new;
    pb::UndoLinkResponse {
        user: answer.user.as_ref().map(answers::user),
        restored_user: restored.map(|user| if is_nameless { answers::nameless(&user) } else { answers::user(&user) }),
        link: answer.link.as_ref().map(|link| answers::seen_link(link, sight)),
        metadata_changes: [answers::taken_back(&answer.taken_back), answers::withheld(&answer.withheld)].concat(),
    }
}
