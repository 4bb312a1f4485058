//! `Link`.

use std::mem::take;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    grpc::{answers, proto as pb, requests::Checks},
    linking::{Error, Link, LinkAnswer, Outcome, Secondary},
};

impl IdentityHandler {
    pub(super) async fn link(&self, permit: Permit, mut request: pb::LinkRequest) -> Result<pb::LinkResponse, Error> {
        use pb::link_request::Secondary as Named;
        let now = clock::now();
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let user_id = checks.optional_user_id("user_id", &request.user_id);
        let terms = checks.link_terms("", terms(&request));
        let mut named = None;
        let mut token = None;
        match &request.secondary {
            None => checks.wrong("secondary", "is required: link_with, link_ticket, identity or secondary_user_id"),
            Some(Named::LinkWith(link_with)) => token = Some(link_with),
            Some(Named::LinkTicket(ticket)) => {
                checks.ticket("link_ticket", ticket);
                named = Some(Secondary::of_ticket(ticket));
            }
            Some(Named::Identity(identity)) => {
                named = checks.identity("identity", Some(identity)).map(Secondary::Identity);
            }
            Some(Named::SecondaryUserId(id)) => {
                named = checks.user_id("secondary_user_id", id).map(Secondary::User);
            }
        }
        if token.is_some_and(String::is_empty) {
            checks.wrong("link_with", "must be a token of the secondary user");
        }
        if request.attach_only && matches!(request.secondary, Some(Named::Identity(_) | Named::SecondaryUserId(_))) {
            checks.wrong(
                "attach_only",
                "needs a proof, link_with or link_ticket: a named identity belongs to a user already",
            );
        }
        checks.finish()?;
        let target = permit.target(user_id)?;
        let secondary = match (token, named) {
            (Some(token), _) => match self.linking.verify_link_with(&permit, token, now).await {
                Ok(secondary) => secondary,
                // The proof may have expired since this very call got its response.
                Err(error) => {
                    return self.linking.answered::<Link, _>(&permit, &target, request_id).await?.ok_or(error);
                }
            },
            (None, named) => named.ok_or_else(|| Error::Fault("a checked field is missing".to_owned()))?,
        };
        let validate_only = request.validate_only;
        let link = Link { permit, target, secondary, terms, validate_only, ticket: None, now };
        self.linking.run(link, request_id, move |answer| linked(answer, validate_only)).await
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
pub(in crate::grpc) fn linked(answer: LinkAnswer, validate_only: bool) -> pb::LinkResponse {
    let outcome = match answer.outcome {
        Outcome::Absorbed => pb::link_response::Outcome::Absorbed,
        Outcome::Attached => pb::link_response::Outcome::Attached,
        Outcome::AlreadyLinked => pb::link_response::Outcome::AlreadyLinked,
    };
    let is_new = answer.outcome != Outcome::AlreadyLinked;
    pb::LinkResponse {
        user: Some(answers::user(&answer.user)),
        outcome: outcome.into(),
        link: answer.link.map(|link| answers::link(&link, validate_only && is_new)),
        metadata_changes: answers::changes(&answer.changes),
    }
}
