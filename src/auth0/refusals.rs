//! Maps each error of a call to its refusal. Auth0 has other words for some errors in some routes,
//! so the route decides, too.

use http::StatusCode;

use super::{
    access_table::{Route, Rpc},
    error::{ApiError, joined},
};
use crate::{
    auth::AuthError,
    domain::{DomainError, error::LinkTokenProblem},
    store::StoreError,
    use_cases::Error,
};

impl ApiError {
    /// The refusal for an error in a call of a route. This function logs internal faults, once each.
    pub(super) fn from_error(route: Route, error: Error) -> Self {
        match error {
            // An admitted call has the scope of its rule, so only the services' scope can be
            // missing.
            Error::Auth(AuthError::ScopeInsufficient(_)) => {
                Self::scope(route.rpc, route.service_scopes())
            }
            Error::Auth(denial) => Self::from_auth_error(route, denial),
            Error::Domain(refusal) => Self::from_domain_error(route.rpc, refusal),
            Error::Store(error) => Self::from_store_error(error),
            Error::Fault(text) => Self::log_fault(&text),
            Error::Panicked => Self::fault(),
            Error::Stale | Error::Retried(_) => Self::log_fault("a write ended without a result"),
        }
    }

    /// The refusal for a denied caller.
    pub(super) fn from_auth_error(route: Route, denial: AuthError) -> Self {
        let unauthorized = |message: &str| Self::new(StatusCode::UNAUTHORIZED, None, message);
        let forbidden =
            |code: &'static str, message: &str| Self::new(StatusCode::FORBIDDEN, code, message);
        match denial {
            AuthError::TokenMissing => unauthorized("Missing authentication"),
            AuthError::TokenInvalid(cause) => {
                tracing::debug!(cause, "a token was not accepted");
                unauthorized("Invalid token.")
            }
            AuthError::ScopeInsufficient(_) => {
                Self::scope(route.rpc, route.service_scopes().chain(route.rule.self_scope))
            }
            AuthError::NotYourUser => forbidden(
                "unowned_resource",
                "User to be acted on does not match subject in bearer token.",
            ),
            AuthError::ReauthenticationRequired => forbidden(
                "reauthentication_required",
                "The sign-in behind this token is too old for this call: let the user sign in again.",
            ),
            AuthError::CallerBlocked => {
                forbidden("user_blocked", "The user of this token is blocked.")
            }
            AuthError::KeysUnavailable => Self::unavailable(
                "The keys of the token's issuer are unavailable right now: try again later.",
            ),
            // It is about a header: the gate has read nothing else.
            AuthError::Domain(DomainError::Invalid(violations)) => Self::bad(
                "invalid_headers",
                format!("Header validation error: '{}'.", joined(&violations)),
            ),
            AuthError::Domain(refusal) => Self::from_domain_error(route.rpc, refusal),
        }
    }

    /// A token that has none of these scopes.
    fn scope<'a>(rpc: Rpc, scopes: impl Iterator<Item = &'a str>) -> Self {
        let scopes: Vec<&str> = scopes.collect();
        let message = match rpc {
            Rpc::Link | Rpc::Unlink => {
                format!("Insufficient scope; expected: {}.", scopes.join(", "))
            }
            Rpc::ListUsers
            | Rpc::FindByEmail
            | Rpc::CreateUser
            | Rpc::GetUser
            | Rpc::UpdateUser
            | Rpc::DeleteUser
            | Rpc::ImportUsers
            | Rpc::ExportUsers
            | Rpc::ListConnections => {
                format!("Insufficient scope; expected any of: {}.", scopes.join(","))
            }
        };
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message)
    }

    fn from_domain_error(rpc: Rpc, refusal: DomainError) -> Self {
        match refusal {
            DomainError::Invalid(violations) => Self::violations(&violations),
            DomainError::SameUser => Self::same_identity(),
            DomainError::LinkTokenInvalid(problem) => Self::bad(
                "invalid_body",
                match problem {
                    LinkTokenProblem::Invalid => "Invalid token (link_with).",
                    LinkTokenProblem::Algorithm => "JWT (link_with) must have an alg of RS256.",
                    LinkTokenProblem::Issuer => {
                        "JWT (link_with) must have the same issuer as the calling user."
                    }
                    LinkTokenProblem::Audience => {
                        "JWT (link_with) must have an aud claim that matches that of the calling token's azp."
                    }
                },
            ),
            DomainError::UserNotFound => {
                Self::new(StatusCode::NOT_FOUND, "inexistent_user", "The user does not exist.")
            }
            DomainError::UserAbsorbed => Self::new(
                StatusCode::NOT_FOUND,
                "inexistent_user",
                "The user does not exist any more: it was linked into another, which reading it with ?resolve=true shows.",
            ),
            DomainError::IdentityNotFound if rpc == Rpc::Unlink => {
                Self::bad("inexistent_identity", "The user has no such identity.")
            }
            DomainError::IdentityNotFound => Self::bad(
                "inexistent_identity",
                "Linking to an inexistent identity is not allowed.",
            ),
            DomainError::IdentityTaken if rpc == Rpc::CreateUser => {
                Self::new(StatusCode::CONFLICT, "auth0_idp_error", "The user already exists.")
            }
            DomainError::IdentityTaken => Self::identity_exists(),
            DomainError::UserExists => {
                Self::new(StatusCode::CONFLICT, "auth0_idp_error", "The user already exists.")
            }
            // The last identity with which the user can sign in is the primary one, except in
            // unusual configurations.
            DomainError::PrimaryIdentity | DomainError::LastIdentity => {
                Self::bad("operation_not_supported", "Main identity cannot be removed.")
            }
            DomainError::UserBlocked if rpc == Rpc::Link => Self::bad(
                "user_blocked",
                "Unable to link with the secondary account: one of the two users is blocked.",
            ),
            DomainError::ProviderUnknown => Self::provider(),
            DomainError::UserBlocked => {
                Self::bad("user_blocked", "The user is blocked: unblock it first.")
            }
            DomainError::TooManyIdentities => {
                Self::bad("too_many_identities", "A user has at most 100 identities.")
            }
            DomainError::MetadataTooLarge { namespace, bytes } => Self::body(&format!(
                "{namespace} would have {bytes} bytes, which is too many: remove some first"
            )),
            DomainError::ConflictRetry => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Other calls kept changing the same users: try again.",
            ),
            DomainError::OperationNotFound => Self::job_not_found(),
            DomainError::TooManyOperations => Self::too_many_jobs(),
            // Refusals that no call of this surface gets.
            DomainError::RequestIdReused
            | DomainError::LinkTicketInvalid
            | DomainError::SignInInvalid
            | DomainError::ProviderDisabled
            | DomainError::ProviderRejected
            | DomainError::ProviderUnavailable
            | DomainError::ProviderTokenGone
            | DomainError::ProviderScopesMissing(_)
            | DomainError::ProviderEventsOff
            | DomainError::EventTokenInvalid(_)
            | DomainError::EmailMissing
            | DomainError::EmailUnverified
            | DomainError::RegistrationClosed
            | DomainError::EmailNotShared
            | DomainError::LinkNotFound
            | DomainError::LinkNotUndoable(_)
            | DomainError::MetadataConflict(_)
            | DomainError::AbsorbedUsersExist
            | DomainError::VersionMismatch
            | DomainError::CallUnderWay
            | DomainError::PositionInvalid
            | DomainError::OperationUnfinished
            | DomainError::PlanIncomplete
            | DomainError::PositionExpired { .. } => {
                Self::log_fault(&format!("{refusal:?} where it cannot occur"))
            }
        }
    }

    /// The refusal for an error of the database. This function logs it.
    pub(super) fn from_store_error(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => Self::unavailable(
                "The server is at capacity, or this takes too long: try again later.",
            ),
            StoreError::Unavailable(text) | StoreError::OtherIssuer(text) => {
                tracing::error!(error = text, "the database is unavailable");
                Self::unavailable(
                    "The database cannot be reached right now, and nothing was changed: try again later.",
                )
            }
            StoreError::CommitUnknown(text) => {
                tracing::error!(error = text, "the outcome of a commit is unknown");
                let message =
                    "The change may or may not have been made: read before you try again.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "commit_unknown", message)
            }
            StoreError::Conflict(_) | StoreError::Busy(_) => Self::new(
                StatusCode::CONFLICT,
                "conflict",
                "Other calls kept changing the same users: try again.",
            ),
            StoreError::Fault(text) => Self::log_fault(&text),
        }
    }
}
