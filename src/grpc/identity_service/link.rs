//! `Link`.

use std::mem::take;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    grpc::{proto as pb, requests::Checks, responses},
    use_cases::{Error, Link, LinkOutcome, LinkResult, Secondary},
};

impl IdentityHandler {
    pub(super) async fn link(
        &self,
        permit: Permit,
        mut request: pb::LinkRequest,
    ) -> Result<pb::LinkResponse, Error> {
        use pb::link_request::Secondary as PbSecondary;
        let now = clock::now();
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let terms = checks.link_terms("", terms(&request));
        let mut named = None;
        let mut token = None;
        match &request.secondary {
            None => checks.report(
                "secondary",
                "is required: link_with, link_ticket, identity or secondary_user_id",
            ),
            Some(PbSecondary::LinkWith(link_with)) => token = Some(link_with),
            Some(PbSecondary::LinkTicket(ticket)) => {
                checks.ticket_text("link_ticket", ticket);
                named = Some(Secondary::from_ticket(ticket));
            }
            Some(PbSecondary::Identity(identity)) => {
                named = checks.identity("identity", Some(identity)).map(Secondary::Identity);
            }
            Some(PbSecondary::SecondaryUserId(id)) => {
                named = checks.user_id("secondary_user_id", id).map(Secondary::User);
            }
        }
        if token.is_some_and(String::is_empty) {
            checks.report("link_with", "must be a token of the secondary user");
        }
        if request.attach_only
            && matches!(
                request.secondary,
                Some(PbSecondary::Identity(_) | PbSecondary::SecondaryUserId(_))
            )
        {
            checks.report(
                "attach_only",
                "needs a proof, link_with or link_ticket: a named identity belongs to a user already",
            );
        }
        checks.into_result()?;
        let target = permit.target(user_id)?;
        let secondary = match (token, named) {
            (Some(token), _) => match self.use_cases.verify_link_with(&permit, token, now).await {
                Ok(secondary) => secondary,
                // The proof may have expired since this very call got its response.
                Err(error) => {
                    return self
                        .use_cases
                        .stored_response::<Link, _>(&permit, &target, request_id)
                        .await?
                        .ok_or(error);
                }
            },
            (None, named) => {
                named.ok_or_else(|| Error::Fault("a checked field is missing".to_owned()))?
            }
        };
        let validate_only = request.validate_only;
        let link = Link { permit, target, secondary, terms, validate_only, ticket: None, now };
        self.use_cases.run(link, request_id, move |result| linked(result, validate_only)).await
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
