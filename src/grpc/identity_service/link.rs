//! `Link`.

use std::mem::take;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    domain::linking::LinkTerms,
    grpc::{
        proto::{self as pb, link_request::Secondary as PbSecondary},
        requests::Checks,
        responses,
    },
    use_cases::{Error, Link, LinkOutcome, LinkResult, Secondary},
};

impl IdentityHandler {
    pub(super) async fn link(
        &self,
        permit: Permit,
        mut request: pb::LinkRequest,
    ) -> Result<pb::LinkResponse, Error> {
        let now = clock::now();
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let target = checks.target("user_id", &permit, &request.user_id);
        let plan = checks.optional_uuid("plan_id", &request.plan_id);
        let terms = LinkTerms { plan, ..checks.link_terms("", terms(&request)) };
        let (validate_only, attach_only) = (request.validate_only, request.attach_only);
        let is_only_named = matches!(
            request.secondary,
            Some(PbSecondary::Identity(_) | PbSecondary::SecondaryUserId(_))
        );
        let secondary = secondary(&mut checks, request.secondary);
        if attach_only && is_only_named {
            checks.report(
                "attach_only",
                "needs a proof, link_with or link_ticket: a named identity belongs to a user already",
            );
        }
        let (target, secondary) = checks.into_result_with(target.zip(secondary))?;
        let link = Link { permit, target, secondary, terms, validate_only, now };
        let reply = move |result| linked(result, validate_only);
        link.execute(&self.use_cases, request_id, reply).await
    }
}

/// The secondary side; `None` if it is absent or wrong.
fn secondary(checks: &mut Checks, given: Option<pb::link_request::Secondary>) -> Option<Secondary> {
    match given {
        None => {
            checks.report(
                "secondary",
                "is required: link_with, link_ticket, identity or secondary_user_id",
            );
            None
        }
        Some(PbSecondary::LinkWith(token)) => {
            if token.is_empty() {
                checks.report("link_with", "must be a token of the secondary user");
            }
            Some(Secondary::LinkWith(token))
        }
        Some(PbSecondary::LinkTicket(text)) => {
            checks.ticket_text("link_ticket", &text);
            Some(Secondary::Ticket(text))
        }
        Some(PbSecondary::Identity(identity)) => {
            checks.identity("identity", Some(&identity)).map(Secondary::Identity)
        }
        Some(PbSecondary::SecondaryUserId(id)) => {
            checks.user_id("secondary_user_id", &id).map(Secondary::User)
        }
    }
}

/// The terms of the link.
fn terms(request: &pb::LinkRequest) -> pb::LinkTerms {
    pb::LinkTerms {
        attach_only: request.attach_only,
        user_metadata: request.user_metadata,
        app_metadata: request.app_metadata,
        expected_version: request.expected_version,
        expected_secondary_version: request.expected_secondary_version,
        require_shared_verified_email: request.require_shared_verified_email,
    }
}

/// The result of a link as a message.
pub(in crate::grpc) fn linked(result: LinkResult, validate_only: bool) -> pb::LinkResponse {
    let outcome = match result.outcome {
        LinkOutcome::Absorbed => pb::link_response::Outcome::Absorbed,
        LinkOutcome::Attached => pb::link_response::Outcome::Attached,
        LinkOutcome::AlreadyLinked => pb::link_response::Outcome::AlreadyLinked,
    };
    let is_new = result.outcome != LinkOutcome::AlreadyLinked;
    pb::LinkResponse {
        user: Some(responses::user(&result.user)),
        outcome: outcome.into(),
        link: result.link.map(|link| responses::link(&link, validate_only && is_new)),
        metadata_changes: responses::changes(&result.changes),
    }
}
