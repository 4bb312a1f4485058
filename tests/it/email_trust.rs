//! The store keeps what a provider or service said of an email. Today's configuration decides
//! whether it counts.

mod counted;
mod entrances;
mod imported;
mod linking;
mod ways_in;

use identity_link::grpc::proto as pb;
use serde_json::{Value, json as value};

use crate::support::{
    auth0::{AUTH0, Asker},
    cluster::{Database, cluster},
    *,
};

const EMAIL: &str = "ann@example.com";

/// A server on this database, with these settings of the provider `sms`.
async fn deciding(database: &Database, sms: &str) -> TestServer {
    let change = |toml: String| {
        assert!(toml.contains("\nsms = {}\n"));
        toml.replace("\nsms = {}\n", &format!("\nsms = {{ {sms} }}\n")) + AUTH0
    };
    TestServer::start_with(database.clone(), change).await
}

/// Settings of the provider `sms`, one after the other, and whether each makes its word on
/// [`EMAIL`] count.
const DECISIONS: [(&str, bool); 8] = [
    ("", false),
    ("email_trust = \"when_verified\"", true),
    ("email_trust = \"when_verified\", enabled = false", false),
    ("email_trust = \"when_verified\", mode = \"link_only\"", true),
    ("email_trust = \"authoritative_domains\", authoritative_domains = [\"example.org\"]", false),
    ("email_trust = \"authoritative_domains\", authoritative_domains = [\"example.com\"]", true),
    ("email_trust = \"authoritative_domains\", hosted_domains = true", false),
    ("email_trust = \"never\"", false),
];

/// A request to preview a link of two users who must share a verified email.
fn sharing(primary: &str, secondary: &str) -> pb::LinkRequest {
    pb::LinkRequest {
        require_shared_verified_email: true,
        validate_only: true,
        ..link_user(primary, secondary)
    }
}

/// The ids of `ListLinkCandidates`, in the order of the response.
async fn candidates(service: &Caller, user_id: &str) -> Vec<String> {
    let request = pb::ListLinkCandidatesRequest { user_id: user_id.to_owned() };
    let candidates = service.list_link_candidates(request).await.unwrap().candidates;
    candidates.into_iter().map(|candidate| candidate.user_id).collect()
}

/// The outcome and rule of a sign-in with this account, whose provider says that it has verified
/// [`EMAIL`].
async fn would_sign_in(service: &Caller, provider: &str, subject: &str) -> String {
    let account = pb::ProvenAccount {
        identity_ref: identity_ref(provider, subject),
        email: EMAIL.to_owned(),
        email_verified: true,
        ..Default::default()
    };
    let request = pb::ResolveSignInRequest { validate_only: true, ..sign_in_with(account) };
    let decision = service.resolve_sign_in(request).await.unwrap().decision.unwrap();
    let outcome = decision.outcome().as_str_name().trim_start_matches("OUTCOME_");
    format!("{outcome} {}", decision.rule().as_str_name().trim_start_matches("SIGN_IN_RULE_"))
}
