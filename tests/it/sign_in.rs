//! `SignInService`: which user is signing in.

mod at_once;
mod decision;
mod known;
mod registration;
mod released;
mod tickets;
mod vouched;

use identity_link::grpc::proto::{self as pb, resolve_sign_in_request::Proof};
use tonic::Status;

use crate::support::*;

const EMAIL: &str = "ann@example.com";

/// An account with this email, which its provider says it has verified.
fn account(provider: &str, subject: &str, email: &str) -> pb::ProvenAccount {
    pb::ProvenAccount {
        identity_ref: identity_ref(provider, subject),
        email: email.to_owned(),
        email_verified: !email.is_empty(),
        ..Default::default()
    }
}

/// Sign-ins by a service, with the decisions on them.
trait SignsIn {
    /// The decision on a sign-in of this account.
    async fn signs_in(&self, account: pb::ProvenAccount) -> Result<pb::SignInDecision, Status>;
    /// The decision on a sign-in of an account whose provider says that it has verified this email.
    async fn arrives(&self, provider: &str, subject: &str, email: &str) -> pb::SignInDecision;
    /// The decision on a second call with this ticket.
    async fn goes_on(&self, ticket: &str) -> Result<pb::SignInDecision, Status>;
}

impl SignsIn for Caller {
    async fn signs_in(&self, account: pb::ProvenAccount) -> Result<pb::SignInDecision, Status> {
        Ok(self.resolve_sign_in(sign_in_with(account)).await?.decision.unwrap())
    }

    async fn arrives(&self, provider: &str, subject: &str, email: &str) -> pb::SignInDecision {
        self.signs_in(account(provider, subject, email)).await.unwrap()
    }

    async fn goes_on(&self, ticket: &str) -> Result<pb::SignInDecision, Status> {
        let proof = Some(Proof::SignInTicket(ticket.to_owned()));
        let request = pb::ResolveSignInRequest { proof, ..Default::default() };
        Ok(self.resolve_sign_in(request).await?.decision.unwrap())
    }
}

/// Outcome and rule of a decision.
fn told(decision: &pb::SignInDecision) -> String {
    let outcome = decision.outcome().as_str_name().trim_start_matches("OUTCOME_");
    let rule = decision.rule().as_str_name().trim_start_matches("SIGN_IN_RULE_");
    format!("{outcome} {rule}")
}

/// The id of the user that signed in.
fn who(decision: &pb::SignInDecision) -> &str {
    &decision.user.as_ref().unwrap().id
}

/// The ids of the candidates, in their order.
fn candidates(decision: &pb::SignInDecision) -> Vec<&str> {
    decision.candidates.iter().map(|candidate| candidate.user_id.as_str()).collect()
}

/// A request to link by a ticket. An empty id means the caller's own user.
fn link_by(user_id: &str, ticket: &str) -> pb::LinkRequest {
    pb::LinkRequest {
        user_id: user_id.to_owned(),
        secondary: Some(pb::link_request::Secondary::LinkTicket(ticket.to_owned())),
        ..Default::default()
    }
}
