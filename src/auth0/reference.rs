//! The reference page of the error codes, made from a refusal of each kind.

use std::collections::BTreeSet;

use axum::response::IntoResponse as _;
use expect_test::expect_file;
use http::header;

use super::{
    access_table::Route,
    error::{ApiError, ErrorCode},
};
use crate::{
    auth::AuthError,
    domain::{DomainError, Violation, error::LinkTokenProblem},
    store::StoreError,
    use_cases::Error,
};

const PAGE: &str = "# Error codes over HTTP

This page lists the refusals of Auth0's HTTP: its statuses and its codes.

It is generated from the code; a test keeps it current. A refusal is JSON with `statusCode`, `error` (the name of the
status), `message`, and `errorCode` if there is one. A program decides by status and code: the messages, here with an
example each, may change. If a refusal is marked *repeat*, `Retry-After` says after how many seconds the same call may
succeed. Over gRPC a refusal has a [reason](reasons.md) instead. A head that is malformed or too long is refused [without
JSON](auth0-differences.md#requests), before there is a call.

| status | `errorCode` | message |
| --- | --- | --- |
";

fn route(rpc: &str) -> Route {
    Route::on_rpc(rpc).unwrap()
}

fn violations() -> Vec<Violation> {
    vec![Violation::new("name", "must be a text")]
}

/// A refusal of each kind that a use case has for this transport, with the rpc of the call.
fn errors() -> Vec<(&'static str, Error)> {
    let auth = |error| ("Link", Error::Auth(error));
    let domain = |rpc, error| (rpc, Error::Domain(error));
    let store = |error| ("UpdateUser", Error::Store(error));
    vec![
        auth(AuthError::TokenMissing),
        auth(AuthError::TokenInvalid("")),
        auth(AuthError::ScopeInsufficient(String::new())),
        ("FindByEmail", Error::Auth(AuthError::ScopeInsufficient(String::new()))),
        auth(AuthError::NotYourUser),
        auth(AuthError::ReauthenticationRequired),
        auth(AuthError::CallerBlocked),
        auth(AuthError::KeysUnavailable),
        auth(AuthError::Domain(DomainError::Invalid(violations()))),
        domain("Link", DomainError::Invalid(violations())),
        domain("Link", DomainError::SameUser),
        domain("Link", DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid)),
        domain("Link", DomainError::LinkTokenInvalid(LinkTokenProblem::Algorithm)),
        domain("Link", DomainError::LinkTokenInvalid(LinkTokenProblem::Issuer)),
        domain("Link", DomainError::LinkTokenInvalid(LinkTokenProblem::Audience)),
        domain("GetUser", DomainError::UserNotFound),
        domain("GetUser", DomainError::UserAbsorbed),
        domain("Unlink", DomainError::IdentityNotFound),
        domain("Link", DomainError::IdentityNotFound),
        domain("CreateUser", DomainError::IdentityTaken),
        domain("Link", DomainError::IdentityTaken),
        domain("Unlink", DomainError::PrimaryIdentity),
        domain("Link", DomainError::UserBlocked),
        domain("UpdateUser", DomainError::UserBlocked),
        domain("CreateUser", DomainError::ProviderUnknown),
        domain("Link", DomainError::TooManyIdentities),
        domain(
            "UpdateUser",
            DomainError::MetadataTooLarge { namespace: "user_metadata", bytes: 20_000 },
        ),
        domain("UpdateUser", DomainError::ConflictRetry),
        domain("ImportUsers", DomainError::OperationNotFound),
        domain("ImportUsers", DomainError::TooManyOperations),
        store(StoreError::Overloaded),
        store(StoreError::Unavailable(String::new())),
        store(StoreError::CommitUnknown(String::new())),
        store(StoreError::Fault(String::new())),
    ]
}

/// The refusals that no use case has.
fn refusals() -> Vec<ApiError> {
    vec![
        ApiError::uri(),
        ApiError::path("user_id: …"),
        ApiError::query("per_page: …"),
        ApiError::json(),
        ApiError::paging(1000),
        ApiError::too_much(),
        ApiError::connection(),
        ApiError::too_long(131_072),
        ApiError::media_type("application/json"),
        ApiError::body_timeout(),
        ApiError::not_found(),
        ApiError::elsewhere("/authorize", "the Authentication API of the tenant"),
        ApiError::method(),
        ApiError::too_many_requests(),
        ApiError::too_many_scans(),
        ApiError::too_many_exports(),
        ApiError::link(),
        ApiError::deadline_exceeded(),
        ApiError::tenant(),
    ]
}

/// Status, code and row of a refusal.
async fn described(refusal: ApiError) -> (u16, &'static str, String) {
    let response = refusal.into_response();
    let repeat =
        if response.headers().contains_key(header::RETRY_AFTER) { " *repeat*" } else { "" };
    let status = response.status().as_u16();
    let ErrorCode(code) = *response.extensions().get::<ErrorCode>().unwrap();
    let shown = if code.is_empty() { "–".to_owned() } else { format!("`{code}`") };
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let message = body["message"].as_str().unwrap().replace('|', "\\|");
    (status, code, format!("| {status}{repeat} | {shown} | {message} |\n"))
}

/// The codes that the source names: its literals of one lower-case word.
fn codes_in_source() -> BTreeSet<&'static str> {
    let sources = [include_str!("error.rs"), include_str!("refusals.rs")];
    let literals = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let is_code = |text: &&str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    literals.filter(is_code).collect()
}

#[tokio::test]
async fn the_reference_page_is_that_of_the_code() {
    let errors = errors().into_iter().map(|(rpc, error)| ApiError::from_error(route(rpc), error));
    let mut rows = BTreeSet::new();
    for refusal in errors.chain(refusals()) {
        rows.insert(described(refusal).await);
    }

    let codes: BTreeSet<&str> =
        rows.iter().map(|(_, code, _)| *code).filter(|code| !code.is_empty()).collect();
    assert_eq!(codes, codes_in_source());
    let table: String = rows.into_iter().map(|(.., row)| row).collect();
    expect_file!["../../docs/reference/error-codes.md"].assert_eq(&format!("{PAGE}{table}"));
}
