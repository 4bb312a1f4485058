//! `/users/{id}/identities`: linking and unlinking.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    AppState,
    body::{JsonOrForm, given, properties},
    error::ApiError,
    gate::AdmittedCall,
    json,
    params::{Params, PathParts},
    shapes::{IdentityBody, identities},
    target,
};
use crate::{
    auth::AbsorbedId,
    clock,
    domain::{
        DomainError, IdentityRef, Provider, Subject, linking::LinkTerms, merge::Strategy,
        unlinking::UnlinkMetadata,
    },
    use_cases::{Link, LinkOutcome, NotStored, Release, Secondary, SpelledAccount, Unlink},
};

/// Names the secondary account: by its token alone, or by its provider and its id there.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkBody {
    /// A token of the secondary account. A user token can link in no other way.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    link_with: Option<String>,
    /// The provider of the secondary account's main identity.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    provider: Option<String>,
    /// The secondary account's id at that provider, bare or with the prefix `provider|`, as in a
    /// user's id. 400 if both name an account.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, nullable = false)]
    user_id: Option<AccountId>,
}

/// An account's id at a provider. Some providers have numbers as ids.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "Expected type string or integer")]
enum AccountId {
    Text(String),
    Number(u64),
}

/// Known properties that are not accepted.
const UNSUPPORTED: [(&str, &str); 1] = [(
    "connection_id",
    "is not supported: provider and user_id name one account, whatever its connection is",
)];

/// Links another account to a user, which takes over all identities of that account's user. The
/// metadata of that user stays stored, but is not merged.
#[utoipa::path(
    post,
    path = "/users/{id}/identities",
    operation_id = "post_identities",
    params(("id" = String, Path, description = "The user that stays: its id, or with a user token also `provider|subject` of its own account.")),
    request_body(
        content((LinkBody = "application/json"), (LinkBody = "application/x-www-form-urlencoded")),
        description = "The account to link.",
    ),
    responses((status = 201, description = "The identities of the user, the primary one first.", body = [IdentityBody])),
    extensions(("x-rpc" = json!("Link"))),
)]
pub(super) async fn link(
    State(AppState { use_cases, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    PathParts(id): PathParts<String>,
    JsonOrForm(object): JsonOrForm,
) -> Result<Response, ApiError> {
    let body: LinkBody = properties(object, &UNSUPPORTED)?;
    let target = target(&permit, route, &id, AbsorbedId::Gone)?;
    let now = clock::now();
    let refused = |error| ApiError::from_error(route, error);
    let secondary = match (body.link_with, body.provider, body.user_id) {
        (Some(token), None, None) => Secondary::LinkWith(token),
        (None, Some(provider), Some(account)) => {
            let given = identity(&provider, &account.into_text()).ok_or_else(ApiError::provider)?;
            // A user token may not name an account in this way, so the response discloses nothing
            // of any account.
            let spelled = match permit.is_service() {
                true => use_cases
                    .spelled_account(&permit, &target, given, now)
                    .await
                    .map_err(refused)?,
                false => SpelledAccount::One(given),
            };
            Secondary::MainIdentity(only_account(spelled).map_err(|wrong| ApiError::body(&wrong))?)
        }
        (Some(_), ..) => {
            return Err(ApiError::body("link_with cannot be combined with provider and user_id"));
        }
        (None, ..) => {
            return Err(ApiError::body(
                "Missing required property: link_with, or provider and user_id",
            ));
        }
    };
    let (terms, validate_only) = (auth0_terms(), false);
    let link = Link { permit, target, secondary, terms, validate_only, now };
    let NotStored(response) = link.execute(&use_cases, None, NotStored).await.map_err(refused)?;
    match (response.outcome, response.link) {
        (LinkOutcome::Absorbed | LinkOutcome::Attached, _) => {
            json(StatusCode::CREATED, &identities(&response.user))
        }
        // No link attached it: it is the user's own.
        (LinkOutcome::AlreadyLinked, None) => Err(ApiError::same_identity()),
        (LinkOutcome::AlreadyLinked, Some(_)) => Err(ApiError::identity_exists()),
    }
}

/// How an identity is unlinked.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Params reads")]
pub(super) struct UnlinkParams {
    /// `restore`: the account has a user of its own again. `release`: the user gives up the
    /// account, such as a lost phone number. The account's next sign-in is a new user, which an
    /// email never links to this one.
    #[param(pattern = "^(restore|release)$", default = "restore")]
    mode: Option<String>,
}

/// Unlinks an identity from a user. The account has a user of its own again, without metadata, or
/// is released.
#[utoipa::path(
    delete,
    path = "/users/{id}/identities/{provider}/{*user_id}",
    operation_id = "delete_user_identity_by_user_id",
    params(
        ("id" = String, Path, description = "The user: its id, or with a user token also `provider|subject` of its own account."),
        ("provider" = String, Path, description = "The provider of the identity."),
        ("user_id" = String, Path, description = "The account's id at that provider, bare or with the prefix `provider|`. 400 if both name an account."),
        UnlinkParams,
    ),
    responses((status = 200, description = "The remaining identities, the primary one first.", body = [IdentityBody])),
    extensions(("x-rpc" = json!("Unlink"))),
)]
pub(super) async fn unlink(
    State(AppState { use_cases, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    PathParts((id, provider, account)): PathParts<(String, String, String)>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let refused = |error| ApiError::from_error(route, error);
    let is_release = match params.text("mode").as_deref() {
        None | Some("restore") => false,
        Some("release") => true,
        Some(_) => {
            params.report("mode", "must be restore or release");
            false
        }
    };
    params.into_result()?;
    let target = target(&permit, route, &id, AbsorbedId::Gone)?;
    let given = identity(&provider, &account)
        .ok_or_else(|| refused(DomainError::IdentityNotFound.into()))?;
    let (expected_version, validate_only, now) = (None, false, clock::now());
    let spelled = use_cases.spelled_account(&permit, &target, given, now).await.map_err(refused)?;
    let identity = only_account(spelled).map_err(|wrong| ApiError::path(&wrong))?;
    let user = if is_release {
        let release = Release { permit, target, identity, expected_version, validate_only, now };
        use_cases.run(release, None, NotStored).await.map_err(refused)?.0.user
    } else {
        let metadata = UnlinkMetadata::Discard;
        let unlink =
            Unlink { permit, target, identity, metadata, expected_version, validate_only, now };
        use_cases.run(unlink, None, NotStored).await.map_err(refused)?.0.user
    };
    let user =
        user.ok_or_else(|| ApiError::log_fault("an unlink without a request id returned no user"))?;
    json(StatusCode::OK, &identities(&user))
}

/// Auth0's terms: the primary user's metadata stays as it is, and the secondary user's is not
/// merged.
fn auth0_terms() -> LinkTerms {
    LinkTerms {
        user_metadata: Strategy::KeepPrimary,
        app_metadata: Strategy::KeepPrimary,
        expected_version: None,
        expected_secondary_version: None,
        require_shared_verified_email: false,
        attach_only: false,
        plan: None,
    }
}

fn identity(provider: &str, account: &str) -> Option<IdentityRef> {
    Some(IdentityRef { provider: Provider::parse(provider)?, subject: Subject::parse(account)? })
}

/// The account that the client means.
///
/// # Errors
/// A text that says what to send for which of two accounts.
fn only_account(spelled: SpelledAccount) -> Result<IdentityRef, String> {
    match spelled {
        SpelledAccount::One(account) => Ok(account),
        SpelledAccount::Either { given, bare } => {
            let IdentityRef { provider, subject } = &given;
            let bare = &bare.subject;
            Err(format!(
                "user_id: {provider} has the accounts {subject} and {bare}: send {given} for the first, or {bare} for the second"
            ))
        }
    }
}

impl AccountId {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}
